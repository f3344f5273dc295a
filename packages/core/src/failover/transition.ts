import type { ProbeOutcome } from '../health/prober.js'
import type { EndpointState } from './states.js'

/** What decides an endpoint's next state, besides the probe itself. */
export interface Standing {
  readonly state: EndpointState
  /** Probes failed in a row. */
  readonly failures: number
  /** Probes answered in a row. */
  readonly successes: number
  /** Since when it has answered without a failure, on the monotonic clock. */
  readonly healthySince: number | undefined
}

export interface TransitionKnobs {
  /** Missed deadlines in a row after which an endpoint is down. */
  readonly suspectCount: number
  /** Probes that must succeed in a row before an endpoint that was down is trusted again. */
  readonly failbackSuccesses: number
  /** For how long it must have answered before it is trusted again. */
  readonly stableMs: number
}

/** Refusals in a row after which an endpoint is down: nothing listens there, so waiting longer tells nothing new. */
const REFUSALS = 2

/** Where an endpoint stands after one more probe. Pure. */
export function nextStanding(
  standing: Standing,
  outcome: ProbeOutcome,
  now: number,
  knobs: TransitionKnobs,
): Standing {
  if (outcome.ok) {
    const successes = standing.successes + 1
    const healthySince = standing.healthySince ?? now
    return {
      state: healthyState(standing.state, successes, now - healthySince, knobs),
      failures: 0,
      successes,
      healthySince,
    }
  }
  const failures = standing.failures + 1
  return {
    state: failedState(standing.state, failures, outcome, knobs),
    failures,
    successes: 0,
    healthySince: undefined,
  }
}

function healthyState(
  state: EndpointState,
  successes: number,
  healthyForMs: number,
  knobs: TransitionKnobs,
): EndpointState {
  switch (state) {
    case 'UNKNOWN':
    case 'SUSPECT':
    case 'BUSY':
    case 'UP':
      return 'UP'
    default:
      return successes >= knobs.failbackSuccesses && healthyForMs >= knobs.stableMs
        ? 'UP'
        : 'PROBATION'
  }
}

function failedState(
  state: EndpointState,
  failures: number,
  outcome: Extract<ProbeOutcome, { ok: false }>,
  knobs: TransitionKnobs,
): EndpointState {
  switch (outcome.kind) {
    case 'setup':
      return 'QUARANTINED'
    case 'starting':
      return 'STARTING'
    // It is alive and keeps its role; it merely has no connection for the probe.
    case 'busy':
      return 'BUSY'
  }
  if (state === 'DOWN') return 'DOWN'
  return failures >= (outcome.timedOut ? knobs.suspectCount : REFUSALS) ? 'DOWN' : 'SUSPECT'
}
