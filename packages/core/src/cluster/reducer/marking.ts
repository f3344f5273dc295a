import { STATE_WORDS } from '../../events/state-words.js'
import type { ServerChange, ServerCondition } from '../../pool/server-change.js'
import type { EndpointState } from '../../vocabulary/states.js'
import { stateIs } from '../states.js'
import { putInto } from './transition.js'
import { relapsesAfter } from './trust.js'
import type { Turn } from './turn.js'
import { type EndpointView, isRefusedForGood, stateOf } from './view.js'

/** Puts an endpoint into a state for a reason other than a probe. @param change what is known besides */
export function mark(
  turn: Turn,
  id: string,
  state: EndpointState,
  reason: string,
  change: Partial<EndpointView> = {},
): void {
  const { standing } = turn.endpoint(id)
  turn.change(id, { ...change, standing: putInto(standing, state) })
  report(turn, id, standing.state, reason)
}

/** Says that an endpoint is in another state than before, if it is, and what follows from that for its connections. */
export function report(turn: Turn, id: string, from: EndpointState, reason: string): void {
  const before = turn.endpoint(id)
  const to = stateOf(before)
  if (from === to) return
  const { knobs, name } = turn.rules
  const { now, wallTime } = turn.at
  turn.change(id, {
    ...relapsesAfter(before, from, to, now, knobs.failbackStableMs),
    draining: before.draining && to === 'STARTING',
    since: new Date(wallTime),
  })
  const endpoint = turn.endpoint(id)
  turn.emit({
    type: 'endpointStateChanged',
    pool: name,
    endpoint: id,
    from,
    to,
    role: endpoint.role,
    reason,
  })
  forgetIfLost(turn, endpoint)
  if (to === 'SUSPECT' || stateIs(to, 'lost')) turn.do({ type: 'refreshTopology' })
  turn.do({ type: 'hurry' })
  if (stateIs(to, 'lost')) turn.do({ type: 'forgetLogins', id })
  if (turn.rules.kind === 'fixed') tellWhereItStays(turn, endpoint, from)
  else tellWhereItMayBeLeft(turn, endpoint, from)
}

/** Gives up the prober's session to a server of which nothing can be expected, whatever the cluster decides. */
function forgetIfLost(turn: Turn, endpoint: EndpointView): void {
  const { heldFor, id } = endpoint
  const state = stateOf(endpoint)
  if (!stateIs(state, 'lost')) return
  // A login that is slow is let in yet, and shows that the server is alive.
  if (state === 'DOWN') turn.do({ type: 'forgetSession', id, logins: false })
  else if (heldFor === undefined) turn.do({ type: 'forgetSession', id, logins: true })
}

/** Where no other endpoint can take its place, callers stay with it until it is back. */
function tellWhereItStays(turn: Turn, endpoint: EndpointView, from: EndpointState): void {
  const { id, lastError } = endpoint
  const to = stateOf(endpoint)
  // Callers that still wait for an answer on one of its sockets would wait for ever.
  const dead = `the database cannot be reached: ${lastError?.message ?? ''}`
  turn.tell(id, { condition: conditionOf(to), ...(to === 'DOWN' ? { dead } : {}) })
  if (turn.view.endpoints.length > 1 && (from === 'UP' || to === 'UP')) turn.reroute()
}

/** Callers of a suspect endpoint wait for the verdict, a few milliseconds, rather than for its sockets. */
function tellWhereItMayBeLeft(turn: Turn, endpoint: EndpointView, from: EndpointState): void {
  const to = stateOf(endpoint)
  const serves = stateIs(to, 'serves')
  turn.tell(endpoint.id, {
    condition: conditionOf(to),
    ...(serves ? {} : { serving: false }),
    ...fateOfConnections(endpoint),
  })
  if (serves && !stateIs(from, 'serves')) turn.serve(endpoint.id)
  if (from === 'UP' || to === 'UP' || isRefusedForGood(turn.view)) turn.reroute()
}

/** What the state of an endpoint says to its pool. */
function conditionOf(state: EndpointState): ServerCondition {
  if (stateIs(state, 'open')) return 'open'
  if (stateIs(state, 'lost')) return 'lost'
  return state === 'SUSPECT' ? 'suspect' : 'unknown'
}

/** What becomes of the connections to an endpoint that has just come into its state. */
function fateOfConnections(endpoint: EndpointView): Pick<ServerChange, 'dead' | 'outdated'> {
  const { doubt, draining, heldFor, id, lastError } = endpoint
  const state = stateOf(endpoint)
  if (heldFor !== undefined) return { outdated: heldFor }
  if (state === 'UNPROVEN') return { outdated: doubt ?? state }
  if (draining) return { outdated: lastError?.message ?? state }
  if (!stateIs(state, 'lost')) return {}
  return { dead: `${id} ${STATE_WORDS[state]}: ${lastError?.message ?? ''}` }
}
