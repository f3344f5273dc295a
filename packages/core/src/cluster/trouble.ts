import type { HealthMonitor } from '../health/health-monitor.js'
import type { Clock } from '../time/clock.js'
import type { ManagedEndpoint } from './managed-endpoint.js'
import { type EndpointState, stateIs } from './states.js'

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

/** What a change of an endpoint's state means for its pool and its prober, whatever the cluster decides. */
export function followState<C extends object>(
  endpoint: ManagedEndpoint<C>,
  from: EndpointState,
): void {
  const { pool, state } = endpoint
  if (stateIs(state, 'open')) {
    if (stateIs(from, 'lost')) pool.ramp()
    // Only its connects have failed, maybe: begun anew each time that a probe is answered, they would never pause.
    if (from === 'SUSPECT') pool.retrySoon()
    else pool.retryNow()
  }
  if (isInTrouble(state)) pool.suspectAll()
  if (stateIs(state, 'lost')) {
    // A login that is slow is let in yet, and tells that the server is alive.
    if (state === 'DOWN') endpoint.prober.forgetSession()
    else if (endpoint.heldFor === undefined) endpoint.prober.forget()
  }
}

export function isInTrouble(state: EndpointState): boolean {
  return state === 'SUSPECT' || stateIs(state, 'lost')
}
