import { isFatal } from '../../driver/failure-kind.js'
import { stateIs } from '../states.js'
import { connected } from './connected.js'
import { evaluate, noteHistory } from './election.js'
import { mark } from './marking.js'
import type { ObservationOf } from './observations.js'
import { held, released, requested, resetBegun, resetEnded } from './operator.js'
import { applyProbe, askAgain, describeOutcome, keepUp, saysNothingNew } from './probe.js'
import { sawPrimary, sawStandby } from './promotions.js'
import { type Reducer, reducerOf } from './reducer.js'
import { searchElapsed } from './search.js'
import { noteAnswer, roundOver, seenAtStart, started, survey } from './start.js'
import type { Turn } from './turn.js'
import { endpointOf, stateOf, unseen } from './view.js'

/**
 * What follows from one more observation of a cluster of several endpoints. It acts on the outcomes of probes alone; trouble
 * that connections report only makes it ask at once.
 */
export const reduce: Reducer = reducerOf({
  started,
  roundOver,
  stopped,
  probed,
  troubled,
  ending,
  connected,
  elapsed: (turn, { timer }) => (timer === 'search' ? searchElapsed(turn) : survey(turn)),
  listed,
  requested,
  held,
  released,
  reviewed: (turn, { reason }) => evaluate(turn, reason),
  resetBegun,
  resetEnded,
})

function stopped(turn: Turn): void {
  turn.set({ stopped: true, search: undefined })
  turn.do({ type: 'disarm', timer: 'grace' })
  turn.do({ type: 'disarm', timer: 'search' })
}

function probed(turn: Turn, { id, outcome }: ObservationOf<'probed'>): void {
  const before = turn.endpoint(id)
  const { start } = turn.view
  if (outcome.ok && start.surveyed && saysNothingNew(turn, before, outcome)) {
    keepUp(turn, id, outcome)
    if (id === turn.view.writer) noteHistory(turn, outcome.result)
    return
  }
  if (outcome.ok) noteAnswer(turn)
  applyProbe(turn, id, outcome)
  if (outcome.ok) notePromotion(turn, id)
  else {
    endIfHeld(turn, id, describeOutcome(outcome))
    askAgain(turn, id, outcome.timedOut)
  }
  if (start.surveyed) evaluate(turn, describeOutcome(outcome))
  else seenAtStart(turn, id, outcome.ok)
  const { lagging, role } = turn.endpoint(id)
  if (role !== before.role || lagging !== before.lagging) turn.reroute()
}

function notePromotion(turn: Turn, id: string): void {
  const { promotions } = turn.view
  const endpoint = turn.endpoint(id)
  const { doubt, result, role } = endpoint
  if (doubt !== undefined || stateOf(endpoint) === 'QUARANTINED') return
  if (role === 'standby') turn.set({ promotions: sawStandby(promotions, id) })
  else if (role === 'primary') turn.set({ promotions: sawPrimary(promotions, id, result?.server) })
}

/** Those that may finish on an endpoint that is out of service wait in vain once it is known to be silent. */
function endIfHeld(turn: Turn, id: string, reason: string): void {
  const { heldFor, standing } = turn.endpoint(id)
  if (heldFor !== undefined && standing.failures >= turn.rules.knobs.suspectCount)
    turn.tell(id, { dead: reason })
}

/** Asks every server how it is before other callers run into the same. */
function troubled(turn: Turn, { id, kind, reason }: ObservationOf<'troubled'>): void {
  if (!isFatal(kind) && kind !== 'starting') return
  if (stateIs(stateOf(turn.endpoint(id)), 'open')) mark(turn, id, 'SUSPECT', reason)
  turn.do({ type: 'probeAll' })
}

/** A server that waits for its sessions gets no new callers, and they go as they come back. */
function ending(turn: Turn, { id, reason }: ObservationOf<'ending'>): void {
  mark(turn, id, 'STARTING', reason, {
    draining: true,
    lastError: { name: 'Error', message: reason },
  })
  evaluate(turn, reason)
}

function listed(turn: Turn, { endpoints }: ObservationOf<'listed'>): void {
  turn.set({
    endpoints: endpoints.map((each) => {
      const known = endpointOf(turn.view, each.id)
      return known === undefined
        ? unseen(each, new Date(turn.at.wallTime))
        : { ...known, named: each.named, order: each.order }
    }),
  })
  const { left, pinned, writer } = turn.view
  const isListed = (id: string | undefined): boolean => endpoints.some((each) => each.id === id)
  if (left !== undefined) {
    const order = endpoints.find((each) => each.id === left.id)?.order ?? left.order
    turn.set({ left: { ...left, order } })
  }
  if (pinned !== undefined && !isListed(pinned)) turn.set({ pinned: undefined })
  if (writer !== undefined && !isListed(writer)) evaluate(turn, 'it is no longer named')
}
