import type { Runtime } from '../runtime.js'
import { bounded } from '../time/bounded.js'

/**
 * The end of a pool, or of all pools of a manager. First it winds down: idle connections are closed, and callers who
 * have come before are served. Then it refuses new callers, and at the deadline it fails those who still wait.
 */
export class Drain {
  /** It winds down. A field, as each release reads it. */
  begun = false
  /** New callers are refused. A field, as each acquire reads it. */
  refusing = false
  /** No caller is served any more. */
  over = false
  begunAt = 0
  readonly #runtime: Runtime
  #closing: Promise<void> | undefined
  #onDone: (() => void) | undefined

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** Winds down. True for the first time. */
  windDown(): boolean {
    if (this.begun) return false
    this.begun = true
    this.begunAt = this.#runtime.clock.now()
    return true
  }

  close(close: () => Promise<void>): Promise<void> {
    // Before anything is closed, so that each step that follows meets a closing pool.
    this.refusing = true
    this.#closing ??= Promise.resolve().then(close)
    return this.#closing
  }

  /** Nothing is left to wait for. */
  done(): void {
    this.#onDone?.()
  }

  /** Resolves when nothing is left, or after the time-out, for which `onTimeout` ends the rest. */
  async wait(timeoutMs: number, onTimeout: () => void): Promise<void> {
    if (timeoutMs === 0) {
      onTimeout()
      return
    }
    const done = new Promise<void>((resolve) => {
      this.#onDone = resolve
    })
    const { deadlines } = this.#runtime
    await bounded(deadlines, timeoutMs, done, () => new Error('drain timed out')).catch(onTimeout)
  }
}
