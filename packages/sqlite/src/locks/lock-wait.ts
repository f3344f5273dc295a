import type { Clock, TimerHandle } from '@connmgr/core/driver'
import {
  resultCodeOf,
  SQLITE_BUSY,
  SQLITE_BUSY_RECOVERY,
  SQLITE_PROTOCOL,
} from '../result-codes.js'

const SHORTEST_PAUSE_MS = 1
const LONGEST_PAUSE_MS = 25

/** True if an error says that another connection holds a lock, and that waiting for it may help. */
export function isLocked(error: unknown): boolean {
  const code = resultCodeOf(error)
  return code === SQLITE_BUSY || code === SQLITE_BUSY_RECOVERY || code === SQLITE_PROTOCOL
}

/**
 * Pauses between attempts to get a lock that another process holds. SQLite's own wait would freeze the event loop, and
 * with it the code that may hold the lock in this process. Pauses grow to 25 ms, so that a long wait costs little.
 */
export class LockWait {
  readonly #clock: Clock
  readonly #startedAt: number
  readonly #timeoutMs: number
  #pauseMs = SHORTEST_PAUSE_MS
  #timer: TimerHandle | undefined

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#startedAt = clock.now()
  }

  get waitedMs(): number {
    return this.#clock.now() - this.#startedAt
  }

  get over(): boolean {
    return this.waitedMs >= this.#timeoutMs
  }

  /** Calls `again` after the next pause. The timer keeps the process running, as a caller awaits what comes of it. */
  pause(again: () => void): void {
    const leftMs = Math.max(0, this.#timeoutMs - this.waitedMs)
    const pauseMs = this.#pauseMs * (1 - this.#clock.random() / 4)
    this.#timer = this.#clock.setTimeout(again, Math.min(pauseMs, leftMs), true)
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2)
  }

  cancel(): void {
    this.#clock.clearTimeout(this.#timer)
  }
}
