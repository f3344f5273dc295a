import type { Clock } from '../time/clock.js'

/**
 * How a manager is, as a load balancer or an orchestrator wants to know it.
 *
 * - `starting`: it has never been connected yet
 * - `healthy`: callers who write can be served
 * - `degraded`: they can, and something else is wrong: another server is out of service, or no new connection can be opened
 * - `unhealthy`: they cannot; or the start has failed, for good or for longer than `startTimeoutMs`
 * - `closed`: `close()` was called
 */
export type ReadinessStatus = 'starting' | 'healthy' | 'degraded' | 'unhealthy' | 'closed'

export interface Readiness {
  readonly status: ReadinessStatus
  /** Why it is not healthy; undefined if it is. */
  readonly reason: string | undefined
  /** For how long callers who write cannot be served, without any delay; undefined if they can. */
  readonly unusableForMs: number | undefined
}

/** How things stand at one moment. */
export interface Standing {
  /** Why callers who write cannot be served; undefined if they can. */
  readonly unusable: string | undefined
  /** What else is wrong. */
  readonly impaired: string | undefined
  /** Every server has refused for a reason that only a person can mend. */
  readonly refusedForGood: boolean
}

export interface ReadinessTimes {
  readonly unhealthyAfterMs: number
  readonly healthyAfterMs: number
  readonly startTimeoutMs: number
}

/** A fact that counts once it has lasted, and until its end has. */
class Lasting {
  #is = false
  #since = 0
  #counts = false

  note(is: boolean, now: number, afterMs: number, endAfterMs: number): boolean {
    // What has held until now is settled first.
    if (now - this.#since >= (this.#is ? afterMs : endAfterMs)) this.#counts = this.#is
    if (is !== this.#is) {
      this.#is = is
      this.#since = now
    }
    return this.#counts
  }

  /** For how long it has held; undefined if it does not. */
  forMs(now: number): number | undefined {
    return this.#is ? now - this.#since : undefined
  }
}

/**
 * Turns how things stand into a status that does not flap: a change for the worse shows after it has lasted for
 * `unhealthyAfterMs`, one for the better after `healthyAfterMs`. What is between, a failover that succeeds or one session that the
 * server has ended, shows nowhere. Only the start has no such delays.
 */
export class ReadinessTracker {
  readonly #clock: Clock
  readonly #times: ReadinessTimes
  readonly #look: () => Standing
  readonly #madeAt: number
  readonly #unusable = new Lasting()
  readonly #impaired = new Lasting()
  #started = false
  /** Of the latest trouble, which may be over and still count. */
  #reason: string | undefined

  constructor(clock: Clock, times: ReadinessTimes, look: () => Standing) {
    this.#clock = clock
    this.#times = times
    this.#look = look
    this.#madeAt = clock.now()
  }

  /** To be called whenever something may have changed. */
  get current(): Readiness {
    const { healthyAfterMs, startTimeoutMs, unhealthyAfterMs } = this.#times
    const now = this.#clock.now()
    const { refusedForGood, impaired, unusable } = this.#look()
    if (refusedForGood)
      return {
        status: 'unhealthy',
        reason: unusable ?? this.#reason,
        unusableForMs: this.#unusable.forMs(now) ?? now - this.#madeAt,
      }
    if (!this.#started) {
      if (unusable !== undefined) {
        const unusableForMs = now - this.#madeAt
        const failed = unusableForMs >= startTimeoutMs
        return { status: failed ? 'unhealthy' : 'starting', reason: unusable, unusableForMs }
      }
      this.#started = true
    }
    const isUnusable = unusable !== undefined
    const isImpaired = isUnusable || impaired !== undefined
    const down = this.#unusable.note(isUnusable, now, unhealthyAfterMs, healthyAfterMs)
    const lame = this.#impaired.note(isImpaired, now, unhealthyAfterMs, healthyAfterMs)
    this.#reason = unusable ?? impaired ?? this.#reason
    const unusableForMs = this.#unusable.forMs(now)
    if (!down && !lame) return { status: 'healthy', reason: undefined, unusableForMs }
    return { status: down ? 'unhealthy' : 'degraded', reason: this.#reason, unusableForMs }
  }
}
