import { ConnectionLostError } from '@connmgr/core'
import type { Clock, ConnectionSignal } from '@connmgr/core/driver'
import { type BoundDatabase, PLAIN_ROWS, type RowFormat } from '../bindings/binding.js'
import { isDeliberate } from '../errors.js'
import type { Location } from '../location/location.js'
import { FilePresence } from './file-presence.js'
import { type PragmaSnapshot, restoreMemory, snapshotOf } from './session-state.js'
import { type CachedStatement, StatementCache } from './statement-cache.js'

/** What a live database is made of. */
export interface LiveDatabaseSettings {
  readonly location: Location
  readonly clock: Clock
  /** Opens the database and sets it up. May fail as locked. */
  readonly open: () => BoundDatabase
  readonly onSignal: (signal: ConnectionSignal) => void
}

/** The database that one connection has open, until that is closed or the file is gone. */
export class LiveDatabase {
  readonly #settings: LiveDatabaseSettings
  readonly #file: FilePresence
  readonly #statements = new StatementCache()
  readonly #onEnd: (error: ConnectionLostError) => void
  #database: BoundDatabase
  #whyEnded: ConnectionLostError | undefined
  #altered = false
  #baseline: PragmaSnapshot | undefined

  /** @param onEnd called when it can be used no more, just before it is closed */
  constructor(
    database: BoundDatabase,
    settings: LiveDatabaseSettings,
    onEnd: (error: ConnectionLostError) => void,
  ) {
    this.#database = database
    this.#settings = settings
    this.#onEnd = onEnd
    const { location, clock, onSignal } = settings
    this.#file = new FilePresence(location, clock, (error) => {
      this.#end(error)
      onSignal({ kind: 'lost', error })
    })
  }

  /** Why it can be used no more; undefined while it can. */
  get whyEnded(): ConnectionLostError | undefined {
    return this.#whyEnded
  }

  /** The library's object. @throws ConnectionLostError once it has ended */
  get bound(): BoundDatabase {
    if (this.#whyEnded !== undefined) throw this.#whyEnded
    return this.#database
  }

  get inTransaction(): boolean {
    return this.#whyEnded === undefined && this.#database.inTransaction
  }

  get isWal(): boolean {
    const row = this.#database.prepare('PRAGMA journal_mode', PLAIN_ROWS).get([])
    return (row as { journal_mode?: string } | undefined)?.journal_mode === 'wal'
  }

  /** True if borrowers may have left something that a reset has to undo. */
  get altered(): boolean {
    return this.#altered || this.#database.pinned === true
  }

  noteAltered(): void {
    this.#altered = true
  }

  /** The prepared statement of a text. */
  statement(sql: string, format: RowFormat): CachedStatement {
    return this.#statements.get(this.bound, sql, format)
  }

  /** @throws ConnectionLostError if the file has another name now, or none; looks at most once a moment */
  requireFile(): void {
    this.#file.require()
  }

  /** @throws ConnectionLostError if the file has another name now, or none */
  check(): void {
    this.#file.look()
    this.bound.prepare('PRAGMA schema_version', PLAIN_ROWS).get([])
  }

  /** It is as borrowers are to find it. */
  baseline(): void {
    this.#altered = false
    if (!this.#settings.location.isFile) this.#baseline = snapshotOf(this.bound)
  }

  /** Puts it back to its baseline. */
  reset(): void {
    if (this.#settings.location.isFile) this.#reopen()
    else if (this.#baseline !== undefined) restoreMemory(this.bound, this.#baseline)
    this.#statements.clear()
    this.#altered = false
  }

  /** Opens it anew if a statement still holds a snapshot, which nothing else ends. */
  unpin(): void {
    if (this.bound.pinned !== true) return
    this.#reopen()
    // What `onConnect` had set is gone: the reset that follows has it set again.
    this.#altered = true
  }

  /** Closes it. Safe to call again. */
  end(reason?: Error): void {
    if (this.#whyEnded !== undefined) return
    const error = new ConnectionLostError(
      'the connection was closed before the statement was run, so it had no effect',
      reason,
      { sent: false, deliberate: isDeliberate(reason) },
    )
    this.#end(error)
  }

  #end(error: ConnectionLostError): void {
    this.#whyEnded = error
    this.#onEnd(error)
    this.#statements.clear()
    closeQuietly(() => this.#database.close())
  }

  #reopen(): void {
    closeQuietly(() => this.#database.close())
    this.#statements.clear()
    try {
      this.#file.look()
      this.#database = this.#settings.open()
    } catch (error) {
      this.end(error as Error)
      throw error
    }
  }
}

/** For what is given up anyway, and is gone from memory whether or not the library says so. */
export function closeQuietly(close: () => void): void {
  try {
    close()
  } catch {
    // Its holder has closed it through `native`.
  }
}
