import type { ResetPolicy } from '../driver/contract.js'

/** Everything that shapes a pool, resolved: no value is missing. Times are in milliseconds. */
export interface PoolOptions<C extends object> {
  /** There is one connection and never another beside it: `poolMode: 'static'`. */
  readonly exclusive: boolean
  /** Connections kept open when idle. */
  readonly poolSize: number
  /** Connections that may be opened above `poolSize`; they close on return when no caller waits. */
  readonly maxOverflow: number
  /** Idle connections to keep ready at all times, opened before they are asked for. */
  readonly minIdle: number
  readonly acquireTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly maxLifetimeMs: number
  /** Share of `maxLifetimeMs` by which lifetimes are shortened at random, so that connections born together do not die together. */
  readonly lifetimeJitter: number
  readonly idleTimeoutMs: number
  readonly maxUses: number
  readonly prePing: boolean
  /** A connection used within this time is lent without a ping. */
  readonly prePingBypassMs: number
  readonly validateTimeoutMs: number
  readonly maxWaiters: number
  readonly reset: ResetPolicy<C>
  readonly resetTimeoutMs: number
  readonly closeTimeoutMs: number
  readonly idleOrder: 'lifo' | 'fifo'
  readonly connectConcurrency: number
  /** Over what time the connections to a server that has come back are opened. */
  readonly rampMs: number
  /** Idle connections keep no process running, not even for a moment. */
  readonly allowExitOnIdle: boolean
  readonly onConnect: ((connection: C) => Promise<void> | void) | undefined
}

/** What the options of a pool have come to, with the environment and the defaults. Infinity is no limit. */
export type PoolSettings = Readonly<
  Pick<
    PoolOptions<object>,
    | 'poolSize'
    | 'maxOverflow'
    | 'minIdle'
    | 'acquireTimeoutMs'
    | 'connectTimeoutMs'
    | 'idleTimeoutMs'
    | 'maxLifetimeMs'
    | 'maxUses'
    | 'allowExitOnIdle'
  >
> & {
  /** `static` keeps one connection for one caller at a time; what lives in that connection alone ends with it. */
  readonly poolMode: 'pooled' | 'static'
}

/** What a caller may ask of one acquire. */
export interface AcquireOptions {
  /** Gives up when it fires. */
  readonly signal?: AbortSignal
  /** Overrides `acquireTimeoutMs`. */
  readonly timeoutMs?: number
  /** Names the work in leak reports and holder lists. */
  readonly label?: string
  /**
   * Says that the connection is held for long on purpose, by a listener or a job queue: it is not reported as a leak and
   * not reclaimed, and `getHolders()` shows it as such. `@default` false
   */
  readonly longLived?: boolean
  /** Handed to `onAcquire`: the tenant that the connection is for, for example. */
  readonly context?: unknown
}
