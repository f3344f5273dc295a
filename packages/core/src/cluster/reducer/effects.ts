import type { ConnmgrEvent } from '../../events/events.js'
import type { ServerChange } from '../../pool/server-change.js'
import type { AnsweredQuestion } from '../../time/response-times.js'
import type { TimerName } from './observations.js'
import type { ClusterView } from './view.js'

/** What can be done because of an observation, and what there is to know for it. */
interface EffectDetails {
  /** Tells listeners. */
  readonly emit: { readonly event: ConnmgrEvent }
  /** Publishes the begin or the end of a failover on the diagnostics channels. */
  readonly trace: { readonly moment: 'start' | 'end'; readonly id: string }
  /** Tells the pool of an endpoint what has become known about its server. */
  readonly tell: { readonly id: string; readonly change: ServerChange }
  /** Tells it that the server has answered a probe, and within which time the next answer is due, at the least. */
  readonly answered: {
    readonly id: string
    readonly question: AnsweredQuestion
    readonly patienceMs: number
  }
  /** Gives up the session in which an endpoint is probed; with `logins`, also those under way. */
  readonly forgetSession: { readonly id: string; readonly logins: boolean }
  /** What is known of logins to an endpoint does not hold any more. */
  readonly forgetLogins: { readonly id: string }
  /** Asks an endpoint again: at once, but after any probe under way; or in a moment. */
  readonly probe: { readonly id: string; readonly when: 'now' | 'soon' }
  /** Asks every endpoint again at once, but after the probes under way. */
  readonly probeAll: object
  /** Brings the next round of probes forward to the present pace. */
  readonly hurry: object
  /** Asks the source of the topology soon. */
  readonly refreshTopology: object
  /** Sets a timer anew; with `jitter` it is due at any moment up to `delayMs`. */
  readonly arm: {
    readonly timer: TimerName
    readonly delayMs: number
    readonly jitter?: boolean
  }
  readonly disarm: { readonly timer: TimerName }
  /** Moves waiters whose endpoint no longer serves them. */
  readonly reroute: object
}

export type EffectType = keyof EffectDetails

export type EffectOf<T extends EffectType> = EffectDetails[T] & { readonly type: T }

/** What is to be done. Plain data: nothing happens before the reducer has decided everything. */
export type Effect = { readonly [T in EffectType]: EffectOf<T> }[EffectType]

/** What one observation leads to. */
export interface Decision {
  readonly view: ClusterView
  /** In the order in which they are carried out. */
  readonly effects: readonly Effect[]
}
