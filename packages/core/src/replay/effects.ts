import { AsyncLocalStorage } from 'node:async_hooks'
import { ConnectionLostError } from '../errors.js'

/** How a write has ended: it is there to stay, left nothing behind, or nobody knows. */
export type WriteEnd = 'kept' | 'undone' | 'unknown'

/**
 * What one attempt at a unit of work has written for good, as far as its statements show. Drivers note each statement
 * that commits, by itself or what came before it, in the asynchronous flow of the work.
 */
export class Effects {
  /** Of a unit of work around this one, which has written whatever this one has. */
  readonly #around = currentEffects()
  #kept = 0
  #unknown = 0
  #connectionLost = false
  #over = false

  /** The attempt has failed, and the work is run again. What still goes on of it must not write beside that. */
  abandon(): void {
    this.#over = true
  }

  get over(): boolean {
    return this.#over || this.#around?.over === true
  }

  /**
   * A write is to be sent. It counts as kept until it is said how it ended.
   *
   * @throws ConnectionLostError `CONNMGR_CONNECTION_LOST` if the attempt is over
   */
  begin(): (end: WriteEnd) => void {
    if (this.over) {
      throw new ConnectionLostError(
        'not sent: the attempt that it belongs to has failed, and its work is run again',
        undefined,
        { sent: false },
      )
    }
    this.#kept += 1
    const endAround = this.#around?.begin()
    let open = true
    return (end) => {
      endAround?.(end)
      if (!open || end === 'kept') return
      open = false
      this.#kept -= 1
      if (end === 'unknown') this.#unknown += 1
    }
  }

  /** Whether what is noted here is noted there, too. */
  isWithin(other: Effects): boolean {
    return this === other || this.#around?.isWithin(other) === true
  }

  /** A connection that the work had sent something on is gone. */
  noteLoss(): void {
    this.#connectionLost = true
    this.#around?.noteLoss()
  }

  /** Whether a connection of the work was lost, so that an error that says nothing may be of that. */
  get connectionLost(): boolean {
    return this.#connectionLost
  }

  /**
   * Whether anything was kept, or may have been, beside the one write of which the failure tells.
   *
   * @param failed whether the failure is that of a write whose outcome is unknown
   */
  keptBeside(failed: boolean): boolean {
    return this.#kept > 0 || this.#unknown > (failed ? 1 : 0)
  }
}

// Made on first use: a process that never replays pays nothing for asynchronous tracking.
let storage: AsyncLocalStorage<Effects> | undefined

export function runNoting<T>(effects: Effects, work: () => T): T {
  storage ??= new AsyncLocalStorage()
  return storage.run(effects, work)
}

/** Runs what is noted already, or belongs to nobody's work. */
export function unnoted<T>(work: () => T): T {
  return storage === undefined ? work() : storage.exit(work)
}

/** What the running flow writes is noted there, if it is to be replayed. For drivers. */
export function currentEffects(): Effects | undefined {
  return storage?.getStore()
}
