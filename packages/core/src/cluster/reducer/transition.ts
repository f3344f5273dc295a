import type { ProbeOutcome } from '../../health/probe-outcome.js'
import type { EndpointState } from '../../vocabulary/states.js'
import { stateIs } from '../states.js'

/** What decides an endpoint's next state, besides the probe itself. */
export interface Standing {
  readonly state: EndpointState
  /** Probes failed in a row. */
  readonly failures: number
  /** Probes answered in a row. */
  readonly successes: number
  /** False from a fall until it has proved itself, whatever it is called in between. */
  readonly trusted: boolean
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

/** Where an endpoint stands that something else than a probe has put into this state. Pure. */
export function putInto(standing: Standing, state: EndpointState): Standing {
  // What it answered while it was not to be used proves nothing.
  return stateIs(state, 'distrusted')
    ? { ...standing, state, successes: 0, healthySince: undefined }
    : { ...standing, state }
}

/** Where an endpoint stands after one more probe. Pure. */
export function nextStanding(
  standing: Standing,
  outcome: ProbeOutcome,
  now: number,
  knobs: TransitionKnobs,
): Standing {
  const trusted = standing.trusted && !stateIs(standing.state, 'distrusted')
  // One that is not trusted may have connections to lose all the same: it may be silent for a moment.
  const serving = trusted || standing.state === 'PROBATION' || standing.state === 'SUSPECT'
  // Its other connections bring answers: it is slow, and no slower for being given up. Of one that has never been seen
  // nothing is known that could hold.
  if (!outcome.ok && outcome.alive === true && serving && standing.state !== 'UNKNOWN') {
    const cleared = trusted ? 'UP' : 'PROBATION'
    return { ...standing, state: standing.state === 'SUSPECT' ? cleared : standing.state }
  }
  if (!outcome.ok) {
    const failures = standing.failures + 1
    return {
      state: failedState(outcome.timedOut ? serving : trusted, failures, outcome, knobs),
      trusted,
      failures,
      successes: 0,
      healthySince: undefined,
    }
  }
  const successes = standing.successes + 1
  const healthySince = standing.healthySince ?? now
  const proved = successes >= knobs.failbackSuccesses && now - healthySince >= knobs.stableMs
  return {
    state: trusted || proved ? 'UP' : 'PROBATION',
    trusted: trusted || proved,
    failures: 0,
    successes,
    healthySince,
  }
}

function failedState(
  mayBeSilent: boolean,
  failures: number,
  outcome: Extract<ProbeOutcome, { ok: false }>,
  knobs: TransitionKnobs,
): EndpointState {
  switch (outcome.kind) {
    case 'setup':
    case 'defect':
      return 'QUARANTINED'
    case 'starting':
      return 'STARTING'
    // It is alive and keeps its role; it merely has no connection for the probe.
    case 'busy':
      return 'BUSY'
  }
  const enough = outcome.timedOut ? knobs.suspectCount : REFUSALS
  return mayBeSilent && failures < enough ? 'SUSPECT' : 'DOWN'
}
