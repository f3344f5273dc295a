import { bounded } from '../bounded.js'
import type { PoolEnvironment } from './environment.js'

/** The end of a pool: it begins once, and waits until everything has come back, or no longer. */
export class Drain {
  /** Read on each acquire and release, so a field. */
  begun = false
  readonly #environment: PoolEnvironment
  #closing: Promise<void> | undefined
  #onDone: (() => void) | undefined

  constructor(environment: PoolEnvironment) {
    this.#environment = environment
  }

  begin(close: () => Promise<void>): Promise<void> {
    // Begun before anything is closed, so that what follows meets a closing pool.
    this.begun = true
    this.#closing ??= Promise.resolve().then(close)
    return this.#closing
  }

  /** Nothing is left to wait for. */
  done(): void {
    this.#onDone?.()
  }

  /** Resolves when nothing is left, or after the time-out, for which `onTimeout` closes the rest. */
  async wait(timeoutMs: number, onTimeout: () => void): Promise<void> {
    const done = new Promise<void>((resolve) => {
      this.#onDone = resolve
    })
    const { deadlines } = this.#environment
    await bounded(deadlines, timeoutMs, done, () => new Error('drain timed out')).catch(onTimeout)
  }
}
