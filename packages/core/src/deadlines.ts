import type { Clock, TimerHandle } from './clock.js'
import type { StallMonitor } from './stall.js'

/** Something that is told when its time is up. Belongs to one {@link Deadlines}. */
export interface Expiring {
  /** When it expires, on the clock's monotonic scale. Set by {@link Deadlines}. */
  deadline: number
  /** What the stall monitor had counted by then. Set by {@link Deadlines}. */
  stalledBefore: number
  onDeadline(): void
}

interface Bucket {
  /** Insertion order is deadline order, because all items of a bucket have the same duration. */
  readonly items: Set<Expiring>
  timer: TimerHandle | undefined
}

/**
 * Expires many items with few timers: items of equal duration share one, so that adding, removing and expiring cost
 * O(1) each however many wait.
 *
 * Time in which the event loop stood still does not count: Node runs timers before it reads sockets, so what an item
 * waits for may already have arrived. A bucket first lets waiting I/O through, and an item gets back the time it lost.
 */
export class Deadlines {
  readonly #clock: Clock
  readonly #stall: StallMonitor
  readonly #buckets = new Map<number, Bucket>()
  readonly #bucketOf = new Map<Expiring, Bucket>()

  constructor(clock: Clock, stall: StallMonitor) {
    this.#clock = clock
    this.#stall = stall
  }

  get size(): number {
    return this.#bucketOf.size
  }

  add(item: Expiring, durationMs: number): void {
    item.deadline = this.#clock.now() + durationMs
    item.stalledBefore = this.#stall.stalledMs
    this.#insert(item, durationMs)
  }

  remove(item: Expiring): void {
    const bucket = this.#bucketOf.get(item)
    if (bucket === undefined) return
    this.#bucketOf.delete(item)
    bucket.items.delete(item)
    if (bucket.items.size === 0 && bucket.timer !== undefined) {
      this.#clock.clearTimeout(bucket.timer)
      bucket.timer = undefined
    }
  }

  #insert(item: Expiring, durationMs: number): void {
    let bucket = this.#buckets.get(durationMs)
    if (bucket === undefined) {
      if (this.#buckets.size >= 64) this.#forgetEmptyBuckets()
      bucket = { items: new Set(), timer: undefined }
      this.#buckets.set(durationMs, bucket)
    }
    bucket.items.add(item)
    this.#bucketOf.set(item, bucket)
    if (bucket.timer === undefined) this.#arm(bucket, item.deadline)
  }

  #arm(bucket: Bucket, dueAt: number): void {
    const delayMs = Math.max(0, dueAt - this.#clock.now())
    bucket.timer = this.#clock.setTimeout(
      () => {
        // What an item waits for may have arrived together with its timer.
        this.#clock.setImmediate(() => this.#expire(bucket))
      },
      delayMs,
      true,
    )
  }

  #expire(bucket: Bucket): void {
    bucket.timer = undefined
    const now = this.#clock.now()
    for (const item of bucket.items) {
      // Node's timers may fire a fraction of a millisecond early.
      if (item.deadline > now + 1) break
      this.remove(item)
      this.#giveBackLostTime(item)
      const remainingMs = Math.ceil(item.deadline - now)
      if (remainingMs > 1) this.#insert(item, remainingMs)
      else item.onDeadline()
    }
    this.#rearm(bucket)
  }

  #giveBackLostTime(item: Expiring): void {
    const { stalledMs } = this.#stall
    item.deadline += stalledMs - item.stalledBefore
    item.stalledBefore = stalledMs
  }

  #rearm(bucket: Bucket): void {
    this.#clock.clearTimeout(bucket.timer)
    bucket.timer = undefined
    const next = bucket.items.values().next()
    if (!next.done) this.#arm(bucket, next.value.deadline)
  }

  #forgetEmptyBuckets(): void {
    for (const [duration, bucket] of this.#buckets) {
      if (bucket.items.size === 0) this.#buckets.delete(duration)
    }
  }
}
