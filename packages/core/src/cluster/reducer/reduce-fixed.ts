import { isFatal } from '../../driver/failure-kind.js'
import { stateIs } from '../states.js'
import { settle } from './cluster-state.js'
import { connected } from './connected.js'
import { mark } from './marking.js'
import type { ObservationOf } from './observations.js'
import { applyProbe, askAgain, describeOutcome, keepUp, saysNothingNew } from './probe.js'
import { type Reducer, reducerOf } from './reducer.js'
import type { Turn } from './turn.js'
import { stateOf } from './view.js'

/**
 * What follows from one more observation of endpoints whose roles the configuration says: there is nothing to elect, and none
 * of them is left for another.
 */
export const reduceFixed: Reducer = reducerOf({
  stopped: (turn) => turn.set({ stopped: true }),
  probed,
  troubled,
  ending,
  connected,
  resetBegun,
  resetEnded: (turn) => settleByWriter(turn, 'reset'),
})

function probed(turn: Turn, { id, outcome }: ObservationOf<'probed'>): void {
  const { role } = turn.endpoint(id)
  if (outcome.ok && saysNothingNew(turn, turn.endpoint(id), outcome)) {
    keepUp(turn, id, outcome)
    return
  }
  applyProbe(turn, id, outcome)
  if (!outcome.ok) askAgain(turn, id, outcome.timedOut)
  settleByWriter(turn, describeOutcome(outcome))
  if (role !== turn.endpoint(id).role) turn.reroute()
}

function troubled(turn: Turn, { id, kind, reason }: ObservationOf<'troubled'>): void {
  if (!isFatal(kind) && kind !== 'starting') return
  // One in another role is in no trouble: its pool chooses among its connections.
  if (kind !== 'read-only' && stateIs(stateOf(turn.endpoint(id)), 'open'))
    mark(turn, id, 'SUSPECT', reason)
  turn.do({ type: 'probe', id, when: 'now' })
  turn.do({ type: 'hurry' })
}

function ending(turn: Turn, { id, reason }: ObservationOf<'ending'>): void {
  mark(turn, id, 'STARTING', reason, { lastError: { name: 'Error', message: reason } })
  settleByWriter(turn, reason)
}

function resetBegun(turn: Turn): void {
  for (const each of turn.view.endpoints) {
    if (stateOf(each) === 'QUARANTINED') mark(turn, each.id, 'UNKNOWN', 'reset by an operator')
    // From now on it may be a standby for good.
    turn.tell(each.id, { requiredRole: 'any' })
  }
}

function settleByWriter(turn: Turn, reason: string): void {
  const { writer } = turn
  const isLost = writer !== undefined && stateIs(stateOf(writer), 'lost')
  settle(turn, isLost ? 'ALL_DOWN' : 'STEADY', reason)
}
