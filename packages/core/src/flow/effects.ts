import { AsyncLocalStorage } from 'node:async_hooks'
import { ConnectionLostError } from '../statement-errors.js'

/** How a write has ended: it is there to stay, left nothing behind, or its outcome is unknown. */
export type WriteEnd = 'kept' | 'undone' | 'unknown'

/**
 * What one attempt at a unit of work has written for good, as far as its statements show. Drivers note each statement
 * that commits, by itself or what came before it, in the asynchronous flow of the work.
 *
 * A flow has no end: timers, listeners and singletons made by the work stay in it. So an attempt counts, and refuses,
 * only until its unit has ended; after that it is inert.
 */
export class Effects {
  /** Of units of work around this one, whose writes include those of this one. */
  readonly #around: readonly Effects[]
  #kept = 0
  #unknown = 0
  #deliberatelyEnded = false
  #abandoned = false
  #ended = false

  /** @param around `@default` those of the running flow */
  constructor(around: readonly Effects[] = flowing()) {
    this.#around = around
  }

  /**
   * The effects of a flow: these, or those around them if their unit has ended; undefined if all units have.
   */
  get alive(): Effects | undefined {
    if (!this.#ended) return this
    for (const each of this.#around) if (each.alive !== undefined) return each.alive
    return undefined
  }

  /** The attempt has failed, and its work is run again. What still goes on of it must not write beside that. */
  abandon(): void {
    this.#abandoned = true
  }

  /** The unit of work has ended: what its attempts have started is the process's from now on. */
  end(): void {
    this.#ended = true
  }

  /** Whether writes are refused: the attempt was abandoned, and its unit still runs. */
  get over(): boolean {
    return (this.#abandoned && !this.#ended) || this.#around.some((each) => each.over)
  }

  /**
   * A write is about to be sent. It counts as kept until its end is known.
   *
   * @throws ConnectionLostError `CONNMGR_CONNECTION_LOST` if the attempt is over
   */
  begin(): (end: WriteEnd) => void {
    if (this.over) throw refusal()
    return this.#note()
  }

  /**
   * A transaction that was begun in this attempt is about to be committed. It is the attempt's own work, however late that
   * comes: of an abandoned attempt it is refused also after the unit has ended.
   *
   * @throws ConnectionLostError `CONNMGR_CONNECTION_LOST`
   */
  requireCommittable(): void {
    if (this.#everAbandoned()) throw refusal()
  }

  /** A connection of the attempt was ended on purpose: by a time limit, or as its lease was destroyed or reclaimed. */
  noteDeliberateEnd(): void {
    this.#deliberatelyEnded = true
    for (const each of this.#around) each.noteDeliberateEnd()
  }

  /** Whether a connection of the attempt was ended on purpose, also if the error of the work does not say so. */
  get deliberatelyEnded(): boolean {
    return this.#deliberatelyEnded
  }

  /**
   * Whether anything was kept, or may have been, beside the one write that the failure reports.
   *
   * @param failed whether the failure is that of a write whose outcome is unknown
   */
  keptBeside(failed: boolean): boolean {
    return this.#kept > 0 || this.#unknown > (failed ? 1 : 0)
  }

  /** Whether what is noted here is noted there, too. */
  isWithin(other: Effects): boolean {
    return this === other || this.#around.some((each) => each.isWithin(other))
  }

  #everAbandoned(): boolean {
    return this.#abandoned || this.#around.some((each) => each.#everAbandoned())
  }

  #note(): (end: WriteEnd) => void {
    const endings = this.#around.map((each) => each.#note())
    this.#kept += 1
    let open = true
    return (end) => {
      for (const ending of endings) ending(end)
      if (!open || end === 'kept') return
      open = false
      this.#kept -= 1
      if (end === 'unknown') this.#unknown += 1
    }
  }
}

function refusal(): ConnectionLostError {
  return new ConnectionLostError(
    'not sent: the attempt that it belongs to has failed, and its work is run again',
    undefined,
    { sent: false },
  )
}

// Made on first use: a process that never replays pays nothing for asynchronous tracking.
let storage: AsyncLocalStorage<Effects> | undefined

export function runNoting<T>(effects: Effects, work: () => T): T {
  storage ??= new AsyncLocalStorage()
  return storage.run(effects, work)
}

/** Runs what is noted already, or belongs to no unit of work. */
export function unnoted<T>(work: () => T): T {
  return storage === undefined ? work() : storage.exit(work)
}

/** Where the writes of the running flow are noted, if it is part of a unit of work that may be replayed. For drivers. */
export function currentEffects(): Effects | undefined {
  return storage?.getStore()?.alive
}

function flowing(): readonly Effects[] {
  const current = currentEffects()
  return current === undefined ? [] : [current]
}
