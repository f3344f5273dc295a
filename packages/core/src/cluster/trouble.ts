import type { HealthMonitor } from '../health/health-monitor.js'
import type { ServerCondition } from '../pool/server-change.js'
import type { Clock } from '../time/clock.js'
import type { EndpointState } from '../vocabulary/states.js'
import type { ManagedEndpoint } from './managed-endpoint.js'
import { stateIs } from './states.js'

/** A refusal may be the moment of a restart; asked again this soon, it is known for sure. */
const RECHECK_MS = 10

/** After a failed probe: asks again at once after a silence, which has taken its time already, or in a moment. */
export function recheck<C extends object>(
  endpoint: ManagedEndpoint<C>,
  timedOut: boolean,
  clock: Clock,
  monitor: () => HealthMonitor<C> | undefined,
): void {
  if (timedOut && (endpoint.state === 'SUSPECT' || stateIs(endpoint.state, 'serves'))) {
    if (monitor()?.started === true) monitor()?.checkAfterTrouble(endpoint)
  } else if (endpoint.state === 'SUSPECT') {
    clock.setTimeout(() => {
      if (monitor()?.started === true) void monitor()?.check(endpoint)
    }, RECHECK_MS)
  }
}

/** Gives up the prober's session to a server of which nothing can be expected, whatever the cluster decides. */
export function forgetIfLost<C extends object>({
  heldFor,
  prober,
  state,
}: ManagedEndpoint<C>): void {
  if (!stateIs(state, 'lost')) return
  // A login that is slow is let in yet, and shows that the server is alive.
  if (state === 'DOWN') prober.forgetSession()
  else if (heldFor === undefined) prober.forget()
}

/** What the state of an endpoint says to its pool. */
export function conditionOf(state: EndpointState): ServerCondition {
  if (stateIs(state, 'open')) return 'open'
  if (stateIs(state, 'lost')) return 'lost'
  return state === 'SUSPECT' ? 'suspect' : 'unknown'
}

export function isInTrouble(state: EndpointState): boolean {
  return state === 'SUSPECT' || stateIs(state, 'lost')
}
