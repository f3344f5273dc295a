import type { Clock, TimerHandle } from './clock.js'
import type { StallMonitor } from './stall.js'

/**
 * One thing's time limit; what has one extends this, so that waiting costs one object. Belongs to one
 * {@link Deadlines}, which alone writes its fields. Those are set by the constructor for the reason given at `Waiter`.
 */
export abstract class Deadline {
  /** On the clock's monotonic scale. */
  declare dueAt: number
  /** Time that had been lost to stalls when this one's began to run. */
  declare stalledBefore: number
  declare bucket: Bucket | undefined
  declare earlier: Deadline | undefined
  declare later: Deadline | undefined

  constructor() {
    this.dueAt = 0
    this.stalledBefore = 0
    this.bucket = undefined
    this.earlier = undefined
    this.later = undefined
  }

  abstract onExpired(): void

  /** Does nothing if it has expired or was never set. */
  cancel(): void {
    const { bucket } = this
    if (bucket === undefined) return
    bucket.remove(this)
    if (bucket.first === undefined) bucket.disarm()
  }
}

/** Deadlines of one duration: their order of arrival is the order in which they are due. */
class Bucket {
  first: Deadline | undefined = undefined
  last: Deadline | undefined = undefined
  timer: TimerHandle | undefined = undefined

  constructor(
    readonly clock: Clock,
    readonly durationMs: number,
  ) {}

  push(deadline: Deadline): void {
    const { last } = this
    deadline.bucket = this
    deadline.earlier = last
    if (last === undefined) this.first = deadline
    else last.later = deadline
    this.last = deadline
  }

  remove(deadline: Deadline): void {
    const { earlier, later } = deadline
    if (earlier === undefined) this.first = later
    else earlier.later = later
    if (later === undefined) this.last = earlier
    else later.earlier = earlier
    deadline.bucket = undefined
    deadline.earlier = undefined
    deadline.later = undefined
  }

  disarm(): void {
    this.clock.clearTimeout(this.timer)
    this.timer = undefined
  }
}

/** More durations than this are not kept in mind while nothing waits for them. */
const MANY_BUCKETS = 64

/**
 * Expires many deadlines with few timers: those of equal duration share one, so that adding, removing and expiring cost
 * O(1) each however many wait.
 *
 * Time in which the event loop stood still does not count: Node runs timers before it reads sockets, so what a caller
 * waits for may already have arrived. A bucket first lets waiting I/O through, and a deadline gets back the time that it
 * lost itself, not what was lost before it began.
 */
export class Deadlines {
  readonly #clock: Clock
  /** What tells the time that does not count. */
  readonly stall: StallMonitor
  readonly #keepAlive: boolean
  readonly #buckets = new Map<number, Bucket>()
  /** The one used last, which is nearly always the one that is wanted. */
  #latest: Bucket

  /** @param keepAlive whether what is waited for keeps the process running; `@default` true */
  constructor(clock: Clock, stall: StallMonitor, keepAlive = true) {
    this.#clock = clock
    this.stall = stall
    this.#keepAlive = keepAlive
    this.#latest = this.#newBucket(0)
  }

  /** Deadlines that have neither expired nor been cancelled. */
  get size(): number {
    let size = 0
    for (const { first } of this.#buckets.values()) {
      for (let each = first; each !== undefined; each = each.later) size += 1
    }
    return size
  }

  /** @param now the clock's time, if the caller has just read it */
  add(deadline: Deadline, durationMs: number, now = this.#clock.now()): void {
    deadline.dueAt = now + durationMs
    deadline.stalledBefore = this.stall.stalledAt(now)
    this.#insert(deadline, durationMs, now)
  }

  #insert(deadline: Deadline, durationMs: number, now: number): void {
    if (this.#latest.durationMs !== durationMs) {
      this.#latest = this.#buckets.get(durationMs) ?? this.#newBucket(durationMs)
    }
    const bucket = this.#latest
    bucket.push(deadline)
    if (bucket.timer === undefined) this.#arm(bucket, deadline.dueAt - now)
  }

  #newBucket(durationMs: number): Bucket {
    if (this.#buckets.size >= MANY_BUCKETS) {
      for (const [duration, bucket] of this.#buckets)
        if (bucket.first === undefined && bucket !== this.#latest) this.#buckets.delete(duration)
    }
    const bucket = new Bucket(this.#clock, durationMs)
    this.#buckets.set(durationMs, bucket)
    return bucket
  }

  #arm(bucket: Bucket, delayMs: number): void {
    bucket.timer = this.#clock.setTimeout(
      // What a caller waits for may have arrived together with the timer.
      () => this.#clock.setImmediate(() => this.#expire(bucket)),
      Math.max(0, delayMs),
      this.#keepAlive,
    )
  }

  #expire(bucket: Bucket): void {
    bucket.disarm()
    const now = this.#clock.now()
    const stalledMs = this.stall.stalledAt(now)
    for (let deadline = bucket.first; deadline !== undefined; deadline = bucket.first) {
      // Node's timers may fire a fraction of a millisecond early.
      if (deadline.dueAt > now + 1) break
      bucket.remove(deadline)
      // A stall that it began in had not come to light, but it lost no more than all its own time.
      const ranMs = now - (deadline.dueAt - bucket.durationMs)
      deadline.dueAt += Math.min(stalledMs - deadline.stalledBefore, ranMs)
      deadline.stalledBefore = stalledMs
      const remainingMs = Math.ceil(deadline.dueAt - now)
      if (remainingMs > 1) this.#insert(deadline, remainingMs, now)
      else deadline.onExpired()
    }
    if (bucket.first !== undefined && bucket.timer === undefined)
      this.#arm(bucket, bucket.first.dueAt - now)
  }
}
