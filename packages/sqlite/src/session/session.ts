import { type ConnectionLostError, TransactionRolledBackError } from '@connmgr/core'
import {
  type ConnectionActivity,
  type ConnectionCondition,
  currentEffects,
  type Effects,
  type StatementTracer,
} from '@connmgr/core/driver'
import type { BoundDatabase, BoundStatement, RowFormat } from '../bindings/binding.js'
import { describeHolder } from '../locks/describe-holder.js'
import { isLocked } from '../locks/lock-wait.js'
import { splitStatements } from '../text/split.js'
import { kindOf, type StatementKind } from '../text/statement-kind.js'
import { closeQuietly, LiveDatabase, type LiveDatabaseSettings } from './live-database.js'
import type { OpenCursor } from './open-cursor.js'
import { SessionTransaction } from './session-transaction.js'
import { StatementQueue } from './statement-queue.js'
import { countingRows, ending, endingNow, endingWith, SessionTracing } from './statement-trace.js'

const ROLLS_BACK = kindOf('ROLLBACK')

/** What a session is made of. */
export interface SessionSettings extends LiveDatabaseSettings {
  readonly readOnly: boolean
  readonly busyTimeoutMs: number
  /** Publishes the statements of borrowers. */
  readonly queries?: StatementTracer | undefined
}

/** One physical connection: an open database of a library, and what is going on on it. */
export class Session {
  readonly activity: ConnectionActivity
  readonly settings: SessionSettings
  readonly #database: LiveDatabase
  readonly #transaction: SessionTransaction
  readonly #queue: StatementQueue
  readonly #tracing: SessionTracing
  readonly #cursors = new Set<OpenCursor>()

  constructor(database: BoundDatabase, settings: SessionSettings) {
    this.settings = settings
    const { busyTimeoutMs, clock, queries, readOnly } = settings
    const queue = new StatementQueue(clock, busyTimeoutMs, {
      mayWait: (error, sql) => this.#mayWait(error, sql),
      describeHolder: () => this.#describeHolder(),
    })
    this.#queue = queue
    this.activity = {
      queryCount: 0,
      lastQuery: undefined,
      get running() {
        return queue.first
      },
    }
    this.#database = new LiveDatabase(database, settings, (error) => this.#giveUp(error))
    this.#tracing = new SessionTracing(this.#database, this.activity, queries)
    this.#transaction = new SessionTransaction(this.#database, this.activity, {
      readOnly,
      run: (sql, attempt, kind, leftMs) => this.#run(sql, attempt, kind, leftMs),
    })
  }

  get native(): object {
    // What is done with it cannot be seen here.
    this.#database.noteAltered()
    return this.#database.bound.native
  }

  get inTransaction(): boolean {
    return this.#database.inTransaction
  }

  get whyBroken(): ConnectionLostError | undefined {
    return this.#database.whyEnded
  }

  get condition(): ConnectionCondition {
    if (this.whyBroken !== undefined) return 'broken'
    if (this.#queue.first !== undefined) return 'busy'
    if (this.#cursors.size > 0) return 'stuck'
    return this.#transaction.begun || this.inTransaction ? 'transaction' : 'clean'
  }

  /** True in a transaction, and while a cursor is open. */
  get holdsSnapshot(): boolean {
    return this.inTransaction || this.#cursors.size > 0
  }

  get altered(): boolean {
    return this.#database.altered
  }

  /** The session is as borrowers are to find it. */
  baseline(): void {
    this.#database.baseline()
  }

  /** Runs a prepared statement, once the lock that it needs is there. */
  perform<T>(sql: string, format: RowFormat, use: (statement: BoundStatement) => T): Promise<T> {
    this.#note(sql)
    const flow = currentEffects()
    const trace = this.#tracing.begin(sql)
    if (trace === undefined)
      return this.#queue.run(sql, () => {
        const { bound, kind } = this.#database.statement(sql, format)
        return this.#transaction.guard(kind, flow, () => use(bound))
      })
    trace.prepared()
    const attempt = (): T => {
      const { bound, kind } = this.#database.statement(sql, format)
      return this.#tracing.attempt(trace, kind, () =>
        this.#transaction.guard(kind, flow, () => use(countingRows(trace, bound))),
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
    const trace = this.#tracing.begin(sql)
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
    return this.#transaction.guard(kind, currentEffects(), use)
  }

  /** Prepares a statement that is not shared with others. */
  prepare(sql: string, format: RowFormat): BoundStatement {
    return this.#database.bound.prepare(sql, format)
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
        this.#transaction.guard(kindOf(statement), flow, () => this.#database.bound.exec(statement))
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
      const statement = this.#database.bound.prepare(sql, format)
      const cursor = this.#transaction.guard(kind, flow, () => start(statement))
      this.#cursors.add(cursor)
      cursor.onClose = () => this.#cursors.delete(cursor)
      return cursor
    }
    const trace = this.#tracing.begin(sql)
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
    const trace = this.#tracing.begin(sql)
    if (trace === undefined) return this.#queue.run(sql, attempt, leftMs)
    const traced = (): T => this.#tracing.attempt(trace, kind, attempt)
    return trace.run(() => ending(trace, this.#queue.run(sql, traced, leftMs)))
  }

  /** Closes what a borrower has left open. */
  closeCursors(): void {
    for (const each of [...this.#cursors]) each.close()
  }

  /** @param leftMs how long the caller waits at the most */
  async begin(readOnly: boolean, leftMs = Number.POSITIVE_INFINITY): Promise<void> {
    await this.#transaction.begin(readOnly, Math.min(leftMs, this.settings.busyTimeoutMs))
  }

  /**
   * Resolves only if all was committed. A COMMIT that fails is rolled back, so that nothing of it is left to be committed
   * by another.
   *
   * @param flow the unit of work that the commit is to be noted with, if the engine does not do so
   */
  async commit(flow?: Effects): Promise<void> {
    try {
      await this.#transaction.commit(flow)
    } catch (error) {
      if (this.whyBroken === undefined) this.rollBack()
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
    const { bound } = this.#database
    if (bound.inTransaction) this.#rollBackOn(bound)
    this.#transaction.end()
    this.#database.unpin()
  }

  #rollBackOn(bound: BoundDatabase): void {
    // What ends a transaction that its borrower has left open is the pool's.
    const trace =
      this.activity.lease?.active === false ? undefined : this.#tracing.begin('ROLLBACK')
    const rollBack = (): void => bound.exec('ROLLBACK')
    if (trace === undefined) rollBack()
    else trace.run(() => endingNow(trace, () => this.#tracing.attempt(trace, ROLLS_BACK, rollBack)))
  }

  settled(): Promise<void> {
    return this.#queue.empty()
  }

  /** Puts the session back to its baseline. */
  async reset(): Promise<void> {
    this.closeCursors()
    this.#database.reset()
  }

  /** @throws ConnectionLostError if the file has another name now, or none */
  check(): void {
    this.#database.check()
  }

  /** Closes the database. Safe to call again. */
  end(reason?: Error): void {
    this.#database.end(reason)
  }

  /** The database is about to be closed: nothing that waits is run any more. */
  #giveUp(error: ConnectionLostError): void {
    this.#queue.cancel(() => error)
    for (const each of [...this.#cursors]) closeQuietly(() => each.close())
  }

  #note(sql: string): void {
    this.activity.queryCount += 1
    this.activity.lastQuery = sql
  }

  /** Whether a statement that has failed had no effect, and may succeed once another connection is done. */
  #mayWait(error: unknown, sql: string): boolean {
    if (this.whyBroken !== undefined || !isLocked(error)) return false
    const { begun, immediate } = this.#transaction
    if (!this.inTransaction || immediate || sql === 'COMMIT') return true
    // Without a WAL the other connection may wait for this transaction to end its reading.
    return this.#database.isWal && !begun
  }

  #describeHolder(): string {
    const { location } = this.settings
    const waiting = (this.activity.lease as { id?: number } | undefined)?.id
    // A COMMIT without a WAL waits for readers.
    const kind = this.inTransaction && !this.#database.isWal ? 'read' : 'write'
    return describeHolder(location.path, kind, waiting)
  }
}
