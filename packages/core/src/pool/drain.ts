import { bounded } from '../time/bounded.js'
import type { PoolEnvironment } from './environment.js'

/**
 * The end of a pool, or of all pools of a manager. First it winds down: idle connections are closed, and callers who
 * have come before are served. Then it refuses new callers, and at the deadline it is over for everybody.
 */
export class Drain {
  /** It winds down. Read on each release, so a field. */
  begun = false
  /** New callers are refused. Read on each acquire. */
  refusing = false
  /** No caller is served any more. */
  over = false
  begunAt = 0
  readonly #environment: Pick<PoolEnvironment, 'clock' | 'deadlines'>
  #closing: Promise<void> | undefined
  #onDone: (() => void) | undefined

  constructor(environment: Pick<PoolEnvironment, 'clock' | 'deadlines'>) {
    this.#environment = environment
  }

  /** Winds down. True for the first time. */
  windDown(): boolean {
    if (this.begun) return false
    this.begun = true
    this.begunAt = this.#environment.clock.now()
    return true
  }

  close(close: () => Promise<void>): Promise<void> {
    // Before anything is closed, so that what follows meets a closing pool.
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
    const { deadlines } = this.#environment
    await bounded(deadlines, timeoutMs, done, () => new Error('drain timed out')).catch(onTimeout)
  }
}
