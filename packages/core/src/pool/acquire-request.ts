import type { FunctionReference } from '../leaks/stack.js'
import type { Target } from '../vocabulary/target.js'
import type { Lease } from './lease.js'
import type { AcquireOptions } from './options.js'

/** What a request gets: a lease at once if a connection is free, or else one in time. */
export type Lent<C extends object> = Lease<C> | Promise<Lease<C>>

/**
 * One request for a connection, on its way from the manager to a pool. It never changes, so that those who ask for the same
 * may share one; a part of the engine that needs another derives it.
 */
export class AcquireRequest<O extends AcquireOptions = AcquireOptions> {
  /** What the caller asked for. `timeoutMs` is not among what holds: that may have been shortened since. */
  readonly options: O
  readonly target: Target
  /** The function that the caller called: reports name the code above it. */
  readonly below: FunctionReference
  /** How long the caller waits from now on. */
  readonly timeoutMs: number

  constructor(options: O, target: Target, below: FunctionReference, timeoutMs: number) {
    this.options = options
    this.target = target
    this.below = below
    this.timeoutMs = timeoutMs
  }

  get signal(): AbortSignal | undefined {
    return this.options.signal
  }

  /** The same for another target. */
  to(target: Target): AcquireRequest<O> {
    return target === this.target
      ? this
      : new AcquireRequest(this.options, target, this.below, this.timeoutMs)
  }

  /** The same, waited for until `until` on the clock, and no longer. @param below the function that makes it, if another */
  until(until: number, now: number, below: FunctionReference = this.below): AcquireRequest<O> {
    return new AcquireRequest(this.options, this.target, below, Math.max(0, until - now))
  }
}
