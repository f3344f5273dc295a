import type { Clock } from '@connmgr/core'
import type { TimerHandle } from '@connmgr/core/driver'

interface FakeTimer {
  readonly dueAt: number
  /** Timers due at the same time fire in the order in which they were set. */
  readonly order: number
  readonly keepAlive: boolean
  readonly callback: () => void
}

const LONGEST_DELAY_MS = 2 ** 31 - 1
const realSetImmediate = setImmediate

/**
 * Time that passes only when a test says so.
 *
 * @example
 * const clock = new FakeClock()
 * const acquiring = pool.acquire()
 * await clock.advance(500)
 * await expect(acquiring).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_TIMEOUT' })
 */
export class FakeClock implements Clock {
  #now = 0
  #stalledMs = 0
  #wallTime: number
  #randomState: number
  #order = 0
  /** Earliest first. */
  readonly #timers: FakeTimer[] = []
  #immediates: (() => void)[] = []

  constructor(options: { seed?: number; wallTime?: number } = {}) {
    this.#randomState = options.seed ?? 1
    this.#wallTime = options.wallTime ?? Date.UTC(2030, 0, 1)
  }

  now(): number {
    return this.#now
  }

  wallTime(): number {
    return this.#wallTime
  }

  /** Work takes no time here, so that all is waiting but for stalls. */
  loopIdleMs(): number {
    return this.#now - this.#stalledMs
  }

  /** Timers set and neither fired nor cleared. */
  get pendingTimers(): number {
    return this.#timers.length
  }

  /** Those of them that would keep a process from ending. */
  get pendingKeepAliveTimers(): number {
    return this.#timers.filter(({ keepAlive }) => keepAlive).length
  }

  /** Milliseconds until the next timer is due, 0 if it is overdue; undefined if there is none. */
  get nextTimerInMs(): number | undefined {
    const next = this.#timers[0]
    return next === undefined ? undefined : Math.max(0, next.dueAt - this.#now)
  }

  /**
   * @throws RangeError for a delay that Node would silently replace by 1 ms: one that is not a number, or longer
   * than 2^31-1 ms
   */
  setTimeout(callback: () => void, delayMs: number, keepAlive = false): TimerHandle {
    if (!(delayMs <= LONGEST_DELAY_MS)) {
      throw new RangeError(`a timer of ${delayMs} ms would fire after 1 ms in Node`)
    }
    // Node has no shorter timer than 1 ms.
    const dueAt = this.#now + Math.max(1, delayMs)
    this.#order += 1
    const timer: FakeTimer = { dueAt, order: this.#order, keepAlive, callback }
    this.#timers.splice(this.#indexFor(timer), 0, timer)
    return timer
  }

  clearTimeout(handle: TimerHandle | undefined): void {
    if (handle === undefined) return
    const timer = handle as FakeTimer
    const index = this.#indexFor(timer)
    if (this.#timers[index] === timer) this.#timers.splice(index, 1)
  }

  /** Runs with the next `advance` or `settle`, after all promises that can go on have gone on. */
  setImmediate(callback: () => void): void {
    this.#immediates.push(callback)
  }

  /** The same sequence for the same seed. */
  random(): number {
    // mulberry32: 32 bits of state are plenty for jitter
    this.#randomState = (this.#randomState + 0x6d2b79f5) | 0
    let bits = Math.imul(this.#randomState ^ (this.#randomState >>> 15), this.#randomState | 1)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), bits | 61)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }

  /**
   * Lets time pass. Every timer due meanwhile fires in its order and at its time, and everything it causes happens
   * before the next one.
   *
   * Rejects with what a timer's callback throws.
   */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new RangeError(`time does not pass by ${ms} ms`)
    const until = this.#now + ms
    await this.settle()
    for (;;) {
      const next = this.#timers[0]
      if (next === undefined || next.dueAt > until) break
      this.#timers.shift()
      this.#moveTo(Math.max(this.#now, next.dueAt))
      next.callback()
      await this.settle()
    }
    this.#moveTo(until)
  }

  /** Lets everything happen that needs no time: promises that can go on, and immediates. */
  async settle(): Promise<void> {
    for (;;) {
      await new Promise<void>((resolve) => realSetImmediate(resolve))
      const due = this.#immediates
      this.#immediates = []
      if (due.length === 0) return
      for (const callback of due) callback()
    }
  }

  /**
   * Time passes while nothing can run, as when the event loop is blocked or the process is suspended. Timers due
   * meanwhile are late: they fire with the next `advance`, even `advance(0)`.
   */
  stall(ms: number): void {
    this.#stalledMs += ms
    this.#moveTo(this.#now + ms)
  }

  /** Sets the machine's clock. `now()` must not care. */
  shiftWallTime(ms: number): void {
    this.#wallTime += ms
  }

  #moveTo(now: number): void {
    this.#wallTime += now - this.#now
    this.#now = now
  }

  /** Where this timer is, or would be, among the pending ones. */
  #indexFor(timer: FakeTimer): number {
    let low = 0
    let high = this.#timers.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = this.#timers[middle] as FakeTimer
      if (other.dueAt < timer.dueAt || (other.dueAt === timer.dueAt && other.order < timer.order)) {
        low = middle + 1
      } else high = middle
    }
    return low
  }
}
