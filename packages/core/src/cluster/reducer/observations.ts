import type { FailureKind } from '../../driver/failure-kind.js'
import type { ProbeOutcome } from '../../health/probe-outcome.js'
import type { ListedEndpoint } from './view.js'

/** When something was observed. */
export interface Moment {
  /** Milliseconds on the monotonic clock. */
  readonly now: number
  /** Milliseconds since the Unix epoch, for people. */
  readonly wallTime: number
}

/** Timers of which a cluster has one each. `grace` ends the wait for others at the start, `search` a phase of a search. */
export type TimerName = 'grace' | 'search'

/** What can happen to a cluster, and what there is to know of it. */
interface ObservationDetails {
  /** Probing begins, or begins again after a pause. */
  readonly started: object
  /** Every endpoint has been asked once since. */
  readonly roundOver: object
  /** From now on nothing has any effect. */
  readonly stopped: object
  /** A probe has ended. */
  readonly probed: { readonly id: string; readonly outcome: ProbeOutcome }
  /** A connection met trouble, or a connect did. */
  readonly troubled: { readonly id: string; readonly kind: FailureKind; readonly reason: string }
  /** A server that is being shut down waits for its sessions. */
  readonly ending: { readonly id: string; readonly reason: string }
  /** A connection has been opened. */
  readonly connected: { readonly id: string }
  /** A timer is over. */
  readonly elapsed: { readonly timer: TimerName }
  /** The list of endpoints has changed. */
  readonly listed: { readonly endpoints: readonly ListedEndpoint[] }
  /** An operator wants an endpoint that can take over to do so. */
  readonly requested: { readonly id: string }
  /** An operator takes an endpoint out of service. */
  readonly held: { readonly id: string; readonly reason: string }
  /** An operator puts it back. */
  readonly released: { readonly id: string }
  /** A released endpoint has been asked. */
  readonly reviewed: { readonly reason: string }
  /** An operator accepts another cluster or history: every endpoint is asked now. */
  readonly resetBegun: object
  /** Every endpoint has been asked for that. */
  readonly resetEnded: object
}

export type ObservationType = keyof ObservationDetails

export type ObservationOf<T extends ObservationType> = ObservationDetails[T] & { readonly type: T }

/** What has happened. */
export type Observation = { readonly [T in ObservationType]: ObservationOf<T> }[ObservationType]
