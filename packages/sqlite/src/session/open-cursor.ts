import type { BoundRows } from '../bindings/binding.js'

/** Rows read in one turn of the event loop. */
const CHUNK = 100

/** Rows that are read in chunks. Until it is closed it holds a snapshot, and with better-sqlite3 the connection is busy. */
export class OpenCursor {
  /** Called once, when it is closed. */
  onClose: () => void = () => {}
  rowsRead = 0
  /** What reading has failed with. */
  error: unknown
  readonly #rows: BoundRows
  #first: readonly unknown[] | undefined
  #done = false
  #closed = false

  constructor(rows: BoundRows) {
    this.#rows = rows
    try {
      this.#first = this.#read()
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** True if there are no more rows, or it was closed before. */
  get over(): boolean {
    return this.#done || this.#closed
  }

  get closed(): boolean {
    return this.#closed
  }

  next(): readonly unknown[] {
    const first = this.#first
    this.#first = undefined
    return first ?? this.#read()
  }

  get hasFirst(): boolean {
    return this.#first !== undefined
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (!this.#done) this.#rows.return()
    this.onClose()
  }

  #read(): unknown[] {
    const rows: unknown[] = []
    while (rows.length < CHUNK) {
      const step = this.#step()
      if (step.done === true) {
        this.#done = true
        break
      }
      rows.push(step.value)
    }
    this.rowsRead += rows.length
    return rows
  }

  #step(): ReturnType<BoundRows['next']> {
    try {
      return this.#rows.next()
    } catch (error) {
      this.error = error
      throw error
    }
  }
}
