import { ConnectionLostError, TransactionRolledBackError } from '@connmgr/core'
import {
  type Clock,
  type ConnectionActivity,
  type ConnectionCondition,
  type ConnectionSignal,
  currentEffects,
  type Effects,
  noteWrite,
  type StatementTrace,
  type StatementTracer,
} from '@connmgr/core/driver'
import {
  type BoundDatabase,
  type BoundStatement,
  PLAIN_ROWS,
  type RowFormat,
} from '../bindings/binding.js'
import { classify } from '../classify.js'
import { isDeliberate } from '../errors.js'
import { type FileIdentity, identityOf } from '../location/file-identity.js'
import type { Location } from '../location/location.js'
import { describeHolder } from '../locks/describe-holder.js'
import { isLocked } from '../locks/lock-wait.js'
import { splitStatements } from '../text/split.js'
import { kindOf, type StatementKind } from '../text/statement-kind.js'
import type { OpenCursor } from './open-cursor.js'
import { type PragmaSnapshot, restoreMemory, snapshotOf } from './session-state.js'
import { StatementCache } from './statement-cache.js'
import { StatementQueue } from './statement-queue.js'
import { countingRows, ending, endingNow, endingWith, SessionTracing } from './statement-trace.js'

/** What a session is made of. */
export interface SessionSettings {
  readonly location: Location
  readonly readOnly: boolean
  readonly busyTimeoutMs: number
  readonly clock: Clock
  /** Opens the database and sets it up. May fail as locked. */
  readonly open: () => BoundDatabase
  readonly onSignal: (signal: ConnectionSignal) => void
  /** Publishes the statements of borrowers. */
  readonly queries?: StatementTracer | undefined
}

/** One physical connection: an open database of a library, and what is going on on it. */
export class Session {
  readonly activity: ConnectionActivity
  readonly settings: SessionSettings
  readonly #queue: StatementQueue
  readonly #statements = new StatementCache()
  readonly #tracing: SessionTracing
  readonly #cursors = new Set<OpenCursor>()
  readonly #identity: FileIdentity | undefined
  /** When the file was last found under its name. */
  #foundAt = Number.NEGATIVE_INFINITY
  #database: BoundDatabase
  /** Why the connection cannot be used any more. */
  #ended: ConnectionLostError | undefined
  /** True from `begin` to `commit` or `rollback`, also if SQLite has rolled back by itself meanwhile. */
  #begun = false
  /** True if the transaction holds the lock for writing since its beginning. */
  #immediate = false
  #altered = false
  #baseline: PragmaSnapshot | undefined

  constructor(database: BoundDatabase, settings: SessionSettings) {
    this.#database = database
    this.settings = settings
    const { location, clock, busyTimeoutMs } = settings
    this.#identity = location.isFile ? identityOf(location.path) : undefined
    const current = (): BoundDatabase => this.#database
    const lease = (): object | undefined => this.activity.lease
    this.#tracing = new SessionTracing({
      get database() {
        return current()
      },
      get lease() {
        return lease()
      },
    })
    this.#queue = new StatementQueue(clock, busyTimeoutMs, {
      mayWait: (error, sql) => this.#mayWait(error, sql),
      describeHolder: () => this.#describeHolder(),
    })
    const queue = this.#queue
    this.activity = {
      queryCount: 0,
      lastQuery: undefined,
      get running() {
        return queue.first
      },
    }
  }

  get native(): object {
    // What is done with it is out of our sight.
    this.#altered = true
    return this.#live.native
  }

  get inTransaction(): boolean {
    return this.#ended === undefined && this.#database.inTransaction
  }

  get whyBroken(): ConnectionLostError | undefined {
    return this.#ended
  }

  get condition(): ConnectionCondition {
    if (this.#ended !== undefined) return 'broken'
    if (this.#queue.first !== undefined) return 'busy'
    if (this.#cursors.size > 0) return 'stuck'
    return this.#begun || this.#database.inTransaction ? 'transaction' : 'clean'
  }

  /** True in a transaction, and while a cursor is open. */
  get holdsSnapshot(): boolean {
    return this.inTransaction || this.#cursors.size > 0
  }

  get altered(): boolean {
    return this.#altered || this.#database.pinned === true
  }

  /** The session is as borrowers are to find it. */
  baseline(): void {
    this.#altered = false
    if (!this.settings.location.isFile) this.#baseline = snapshotOf(this.#live)
  }

  /** Runs a prepared statement, once the lock that it needs is there. */
  perform<T>(sql: string, format: RowFormat, use: (statement: BoundStatement) => T): Promise<T> {
    this.#note(sql)
    const flow = currentEffects()
    const trace = this.#trace(sql)
    if (trace === undefined)
      return this.#queue.run(sql, () => {
        const { bound, kind } = this.#statements.get(this.#live, sql, format)
        return this.#guard(kind, flow, () => use(bound))
      })
    trace.prepared()
    const attempt = (): T => {
      const { bound, kind } = this.#statements.get(this.#live, sql, format)
      return this.#tracing.attempt(trace, kind, () =>
        this.#guard(kind, flow, () => use(countingRows(trace, bound))),
      )
    }
    return trace.run(() => ending(trace, this.#queue.run(sql, attempt)))
  }

  /** Runs a statement that its holder has prepared, at once: fails if the lock that it needs is not there. */
  performNow<T>(
    sql: string,
    kind: StatementKind,
    bound: BoundStatement,
    use: (statement: BoundStatement) => T,
  ): T {
    this.#note(sql)
    const trace = this.#trace(sql)
    if (trace === undefined) return this.#performNow(kind, () => use(bound))
    trace.prepared()
    return trace.run(() =>
      endingNow(trace, () =>
        this.#tracing.attempt(trace, kind, () =>
          this.#performNow(kind, () => use(countingRows(trace, bound))),
        ),
      ),
    )
  }

  #performNow<T>(kind: StatementKind, use: () => T): T {
    if (this.#queue.first !== undefined)
      throw new Error(
        'an earlier statement of this connection waits for a lock; await it before running one synchronously',
      )
    return this.#guard(kind, currentEffects(), use)
  }

  /** Prepares a statement that is not shared with others. */
  prepare(sql: string, format: RowFormat): BoundStatement {
    return this.#live.prepare(sql, format)
  }

  /** Runs the statements of a script, one after the other, each once the lock that it needs is there. */
  exec(sql: string): Promise<void> {
    const flow = currentEffects()
    const statements = splitStatements(sql)
    let next = 0
    const attempt = (): void => {
      // Attempted again, it goes on with the statement that has met the lock.
      for (; next < statements.length; next += 1) {
        const statement = statements[next] as string
        this.#note(statement)
        this.#guard(kindOf(statement), flow, () => this.#live.exec(statement))
      }
    }
    return this.#run(sql, attempt, kindOf(statements.at(-1) ?? ''))
  }

  /** Begins to read rows one by one. The first of them are read before it resolves. */
  openCursor(
    sql: string,
    format: RowFormat,
    start: (statement: BoundStatement) => OpenCursor,
  ): Promise<OpenCursor> {
    this.#note(sql)
    const flow = currentEffects()
    const kind = kindOf(sql)
    const attempt = (): OpenCursor => {
      const statement = this.#live.prepare(sql, format)
      const cursor = this.#guard(kind, flow, () => start(statement))
      this.#cursors.add(cursor)
      cursor.onClose = () => this.#cursors.delete(cursor)
      return cursor
    }
    const trace = this.#trace(sql)
    if (trace === undefined) return this.#queue.run(sql, attempt)
    const opened = trace.run(() =>
      this.#queue.run(sql, () => this.#tracing.attempt(trace, kind, attempt)),
    )
    return opened.then(
      (cursor) => {
        endingWith(trace, cursor)
        return cursor
      },
      (error: unknown) => {
        trace.failed(error)
        throw error
      },
    )
  }

  /** Runs what has one text, once the lock that it needs is there; published if there is a subscriber. */
  #run<T>(sql: string, attempt: () => T, kind: StatementKind, leftMs?: number): Promise<T> {
    const trace = this.#trace(sql)
    if (trace === undefined) return this.#queue.run(sql, attempt, leftMs)
    const traced = (): T => this.#tracing.attempt(trace, kind, attempt)
    return trace.run(() => ending(trace, this.#queue.run(sql, traced, leftMs)))
  }

  /** Begins to publish a statement, if there is a subscriber. */
  #trace(sql: string): StatementTrace | undefined {
    const { queries } = this.settings
    if (queries?.active !== true) return undefined
    const { lease } = this.activity
    const trace = queries.begin(sql)
    trace.on({
      connectionId: lease?.connectionId,
      lease: lease?.active === true ? lease.id : undefined,
    })
    return trace
  }

  /** Closes what a borrower has left open. */
  closeCursors(): void {
    for (const each of [...this.#cursors]) each.close()
  }

  /** @param leftMs how long the caller waits at the most */
  async begin(readOnly: boolean, leftMs = Number.POSITIVE_INFINITY): Promise<void> {
    const immediate = !readOnly && !this.settings.readOnly
    const begin = (): void => {
      this.#refuseIfMoved()
      this.#live.exec(immediate ? 'BEGIN IMMEDIATE' : 'BEGIN DEFERRED')
      if (!immediate && !this.settings.readOnly) this.#live.exec('PRAGMA query_only = 1')
    }
    await this.#run('BEGIN', begin, BEGINS, Math.min(leftMs, this.settings.busyTimeoutMs))
    this.#begun = true
    this.#immediate = immediate
  }

  /**
   * Resolves only if all was committed. A COMMIT that fails is rolled back, so that nothing of it is left to be committed
   * by another.
   *
   * @param flow the unit of work that the commit is to be noted with, if the engine does not do so
   */
  async commit(flow?: Effects): Promise<void> {
    try {
      const commit = (): void => {
        if (!this.#live.inTransaction) throw endedBefore()
        this.#refuseIfMoved()
        this.#keeping(flow, () => this.#live.exec('COMMIT'))
      }
      await this.#run('COMMIT', commit, COMMITS)
      this.#endTransaction()
    } catch (error) {
      if (this.#ended === undefined) this.rollBack()
      throw error
    }
  }

  rollBack(): void {
    this.#queue.cancel(
      () =>
        new TransactionRolledBackError(
          'the transaction was rolled back before the statement was run',
        ),
    )
    this.closeCursors()
    const database = this.#live
    if (database.inTransaction) this.#rollBackOn(database)
    this.#endTransaction()
    if (database.pinned !== true) return
    this.#reopen()
    // What `onConnect` had set is gone: the reset that follows has it set again.
    this.#altered = true
  }

  #rollBackOn(database: BoundDatabase): void {
    // What ends a transaction that its borrower has left open is the pool's.
    const trace = this.activity.lease?.active === false ? undefined : this.#trace('ROLLBACK')
    const rollBack = (): void => database.exec('ROLLBACK')
    if (trace === undefined) rollBack()
    else trace.run(() => endingNow(trace, () => this.#tracing.attempt(trace, ROLLS_BACK, rollBack)))
  }

  settled(): Promise<void> {
    return this.#queue.empty()
  }

  /** Puts the session back to its baseline. */
  async reset(): Promise<void> {
    this.closeCursors()
    if (this.settings.location.isFile) this.#reopen()
    else if (this.#baseline !== undefined) restoreMemory(this.#live, this.#baseline)
    this.#statements.clear()
    this.#altered = false
  }

  /** @throws ConnectionLostError if the file has another name now, or none */
  check(): void {
    this.#find()
    this.#live.prepare('PRAGMA schema_version', PLAIN_ROWS).get([])
  }

  /** Closes the database. Safe to call again. */
  end(reason?: Error): void {
    if (this.#ended !== undefined) return
    const error = new ConnectionLostError(
      'the connection was closed before the statement was run, so it had no effect',
      reason,
      { sent: false, deliberate: isDeliberate(reason) },
    )
    this.#end(error)
  }

  #end(error: ConnectionLostError): void {
    this.#ended = error
    this.#queue.cancel(() => error)
    for (const each of [...this.#cursors]) closeQuietly(() => each.close())
    this.#statements.clear()
    closeQuietly(() => this.#database.close())
  }

  get #live(): BoundDatabase {
    if (this.#ended !== undefined) throw this.#ended
    return this.#database
  }

  #note(sql: string): void {
    this.activity.queryCount += 1
    this.activity.lastQuery = sql
  }

  /** Runs what a borrower asks for, if it may be run now. */
  #guard<T>(kind: StatementKind, flow: Effects | undefined, action: () => T): T {
    const { inTransaction } = this.#live
    if (this.#begun && !inTransaction) throw endedBefore()
    if (kind.reads) return action()
    if (kind.alters) this.#altered = true
    if (!inTransaction) this.#refuseIfMoved()
    const mayCommit = !inTransaction || kind.control === 'commit' || kind.control === 'savepoint'
    return mayCommit ? this.#keeping(flow, action) : action()
  }

  /** Notes what may commit with the units of work that may be run again. */
  #keeping<T>(flow: Effects | undefined, action: () => T): T {
    const end = noteWrite(flow, this.activity.lease?.owner.effects as Effects | undefined)
    if (end === undefined) return action()
    try {
      const value = action()
      end(this.#database.inTransaction ? 'undone' : 'kept')
      return value
    } catch (error) {
      end(classify(error) === 'lost' && this.#ended === undefined ? 'unknown' : 'undone')
      throw error
    }
  }

  /** What is written to a file without a name is lost. */
  #refuseIfMoved(): void {
    if (this.#identity === undefined) return
    // A file that goes in the meantime takes with it what was written just before, in any case.
    if (this.settings.clock.now() - this.#foundAt >= SAME_MOMENT_MS) this.#find()
  }

  #find(): void {
    const { clock, location } = this.settings
    if (this.#identity === undefined) return
    if (identityOf(location.path) === this.#identity) {
      this.#foundAt = clock.now()
      return
    }
    const error = new ConnectionLostError(
      `the database ${location.id} was deleted or replaced since it was opened, so the statement was not run`,
      undefined,
      { sent: false },
    )
    this.#end(error)
    this.settings.onSignal({ kind: 'lost', error })
    throw error
  }

  /** Whether a statement that has failed had no effect, and may succeed once another connection is done. */
  #mayWait(error: unknown, sql: string): boolean {
    if (this.#ended !== undefined || !isLocked(error)) return false
    if (!this.#database.inTransaction || this.#immediate || sql === 'COMMIT') return true
    // Without a WAL the other connection may wait for this transaction to end its reading.
    return this.#isWal && !this.#begun
  }

  get #isWal(): boolean {
    const row = this.#database.prepare('PRAGMA journal_mode', PLAIN_ROWS).get([])
    return (row as { journal_mode?: string } | undefined)?.journal_mode === 'wal'
  }

  #describeHolder(): string {
    const { location } = this.settings
    const waiting = (this.activity.lease as { id?: number } | undefined)?.id
    // A COMMIT without a WAL waits for readers.
    const kind = this.#database.inTransaction && !this.#isWal ? 'read' : 'write'
    return describeHolder(location.path, kind, waiting)
  }

  #endTransaction(): void {
    const readOnly = this.#begun && !this.#immediate && !this.settings.readOnly
    this.#begun = false
    this.#immediate = false
    if (readOnly) this.#live.exec('PRAGMA query_only = 0')
  }

  #reopen(): void {
    closeQuietly(() => this.#database.close())
    this.#statements.clear()
    try {
      this.#find()
      this.#database = this.settings.open()
    } catch (error) {
      this.end(error as Error)
      throw error
    }
  }
}

const BEGINS = kindOf('BEGIN')
const COMMITS = kindOf('COMMIT')
const ROLLS_BACK = kindOf('ROLLBACK')

/** For so long a file that was found is taken to be there: to look takes as long as a small write. */
const SAME_MOMENT_MS = 1

function endedBefore(): TransactionRolledBackError {
  return new TransactionRolledBackError(
    'the transaction had ended before: SQLite has rolled it back for an error that was ignored, or its work has ended ' +
      'it; nothing more was run',
  )
}

/** For what is given up anyway, and is gone from memory whether or not the library says so. */
function closeQuietly(close: () => void): void {
  try {
    close()
  } catch {
    // It was closed by its holder, by way of `native`.
  }
}
