import type { QueryContext } from '@connmgr/core'
import type { FingerprintedText } from '../fingerprint/fingerprints.js'
import type { Counter } from '../n-plus-one/detector.js'
import type { LeaseRecord } from './lease-record.js'
import { NO_PATH, type Path } from './paths.js'
import type { StatementEntry } from './statement-table.js'

/** A statement on its way. Its fields are set by the constructor, which V8 does faster than to define them. */
export class Running {
  declare readonly context: QueryContext
  declare readonly text: FingerprintedText
  declare readonly entry: StatementEntry
  /** {@link NO_PATH} if it was not read. */
  declare path: Path
  declare counter: Counter | undefined
  /** The lease that it was called on, if its caller holds one. */
  declare lease: LeaseRecord | undefined
  declare before: Running | undefined
  declare after: Running | undefined

  constructor(context: QueryContext, text: FingerprintedText, entry: StatementEntry) {
    this.context = context
    this.text = text
    this.entry = entry
    this.path = NO_PATH
    this.counter = undefined
    this.lease = undefined
    this.before = undefined
    this.after = undefined
  }

  /** Where it was called, or where statements of its text are, if its own way was not read. */
  get likelyPath(): Path {
    return this.path === NO_PATH ? this.entry.habit.path : this.path
  }
}

/** Statements on their way, oldest first. Adding and removing one costs no allocation. */
export class RunningList {
  #first: Running | undefined
  #last: Running | undefined

  get first(): Running | undefined {
    return this.#first
  }

  add(running: Running): void {
    running.before = this.#last
    if (this.#last === undefined) this.#first = running
    else this.#last.after = running
    this.#last = running
  }

  remove(running: Running): void {
    const { after, before } = running
    if (before === undefined) {
      if (this.#first !== running) return
      this.#first = after
    } else before.after = after
    if (after === undefined) this.#last = before
    else after.before = before
    running.before = undefined
    running.after = undefined
  }

  clear(): void {
    this.#first = undefined
    this.#last = undefined
  }

  *[Symbol.iterator](): Iterator<Running> {
    for (let each = this.#first; each !== undefined; each = each.after) yield each
  }
}
