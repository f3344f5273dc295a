import { ConnectionLostError, TransactionRolledBackError } from '@connmgr/core'
import {
  type Clock,
  type ConnectionActivity,
  type ConnectionCondition,
  type ConnectionSignal,
  currentEffects,
  type Effects,
  isEndedOnPurpose,
  type StatementTrace,
  type StatementTracer,
  type WriteEnd,
} from '@connmgr/core/driver'
import type { DuckDBConnection } from '@duckdb/node-api'
import { hasNoTransaction, isAborted, isFatalForAll } from './classify.js'
import type { InstanceUse } from './instances.js'
import { RunningCalls } from './running-calls.js'
import { SessionTracing } from './session-tracing.js'
import { commits, isPlain, plainlyReads } from './statement-text.js'

/** Pause between two attempts to end a statement: one that has not begun yet is not affected by the first. */
const INTERRUPT_AGAIN_MS = 20

/** One physical connection to an instance, and what goes on on it. */
export class Session {
  readonly activity: ConnectionActivity
  readonly #use: InstanceUse
  readonly #clock: Clock
  readonly #onSignal: (signal: ConnectionSignal) => void
  #connection: DuckDBConnection
  readonly #running = new RunningCalls()
  readonly #tracing: SessionTracing
  #inTransaction = false
  #altered = false
  #ended: ConnectionLostError | undefined

  constructor(
    connection: DuckDBConnection,
    use: InstanceUse,
    clock: Clock,
    onSignal: (signal: ConnectionSignal) => void,
    queries: StatementTracer | undefined,
  ) {
    this.#connection = connection
    this.#use = use
    this.#clock = clock
    this.#onSignal = onSignal
    const running = this.#running
    this.activity = {
      queryCount: 0,
      lastQuery: undefined,
      get running() {
        return running.first
      },
    }
    this.#tracing = new SessionTracing(queries, this.activity)
  }

  get whyBroken(): ConnectionLostError | undefined {
    return this.#ended
  }

  get condition(): ConnectionCondition {
    if (this.#ended !== undefined) return 'broken'
    if (this.#running.first !== undefined) return 'busy'
    return this.#inTransaction ? 'transaction' : 'clean'
  }

  get altered(): boolean {
    return this.#altered
  }

  baseline(): void {
    this.#altered = false
  }

  /** DuckDB's own connection, for what is not done through the session. */
  get connection(): DuckDBConnection {
    if (this.#ended !== undefined) throw this.#ended
    return this.#connection
  }

  /** What is done with the connection may stay. */
  noteAltered(): void {
    this.#altered = true
  }

  /**
   * Runs a method of the connection that answers later.
   *
   * @param sql the text of its statement, if it has one
   * @param runs whether it runs the statement now
   */
  call<T>(sql: string | undefined, method: () => Promise<T>, runs: boolean): Promise<T> {
    const trace = sql !== undefined && runs ? this.#tracing.begin(sql) : undefined
    if (trace === undefined || sql === undefined) return this.#call(sql, method)
    return this.#callTraced(trace, sql, method)
  }

  /** The same for a method of a prepared statement that runs it. */
  callPrepared<T>(sql: string | undefined, method: () => Promise<T>): Promise<T> {
    const trace = sql === undefined ? undefined : this.#tracing.begin(sql)
    if (trace === undefined || sql === undefined) return this.#call(sql, method)
    trace.prepared()
    return this.#callTraced(trace, sql, method)
  }

  #callTraced<T>(trace: StatementTrace, sql: string, method: () => Promise<T>): Promise<T> {
    return this.#tracing.follow(trace, sql, this.#inTransaction, () =>
      this.#call(sql, () => {
        trace.sent()
        return method()
      }),
    )
  }

  async #call<T>(sql: string | undefined, method: () => Promise<T>): Promise<T> {
    if (this.#ended !== undefined) throw this.#ended
    if (sql !== undefined) {
      this.activity.queryCount += 1
      this.activity.lastQuery = sql
    }
    if (sql === undefined || !isPlain(sql)) this.#altered = true
    if (sql !== undefined && commits(sql)) await this.#requireCommittable()
    const end = this.#noteWrite(sql)
    return this.#run(async () => {
      try {
        const value = await method()
        end?.(this.#inTransaction ? 'undone' : 'kept')
        return value
      } catch (error) {
        end?.('undone')
        throw error
      }
    })
  }

  /** Sends what begins or ends the transaction of a borrower. */
  #sendForBorrower(sql: string): Promise<void> {
    const trace = this.#tracing.begin(sql)
    if (trace === undefined) return this.#send(sql)
    return this.#tracing.follow(trace, sql, this.#inTransaction, () => {
      trace.sent()
      return this.#send(sql)
    })
  }

  async begin(readOnly: boolean): Promise<void> {
    await this.#sendForBorrower(readOnly ? 'BEGIN TRANSACTION READ ONLY' : 'BEGIN TRANSACTION')
    this.#inTransaction = true
  }

  /** Resolves only if all was committed; if not, nothing was. */
  async commit(): Promise<void> {
    try {
      // A statement that its work has not awaited belongs to it.
      await this.settled()
      await this.#requireCommittable()
      try {
        await this.#sendForBorrower('COMMIT')
      } finally {
        // One that fails has rolled back.
        this.#inTransaction = false
      }
    } catch (error) {
      if (this.#ended !== undefined) throw error
      await this.rollback()
      if (!hasNoTransaction(error)) throw error
      throw new TransactionRolledBackError(
        'the transaction had ended before its COMMIT: its work has ended it',
        error,
      )
    }
  }

  /** Does nothing if there is no transaction: DuckDB cannot be asked whether there is one. */
  async rollback(): Promise<void> {
    try {
      // What is not known to be in a transaction, or ends it for the pool, is nothing of a borrower's.
      const own = !this.#inTransaction || this.activity.lease?.active === false
      await (own ? this.#send('ROLLBACK') : this.#sendForBorrower('ROLLBACK'))
    } catch (error) {
      if (!hasNoTransaction(error)) throw error
    } finally {
      this.#inTransaction = false
    }
  }

  /** Rolls back, and takes another connection to the same instance: settings, temporary tables and prepared statements go. */
  async reset(): Promise<void> {
    await this.rollback()
    const fresh = await this.#use.connect()
    const old = this.#connection
    if (this.#ended !== undefined) return fresh.closeSync()
    this.#connection = fresh
    old.closeSync()
    this.#altered = false
  }

  settled(): Promise<void> {
    return this.#running.idle()
  }

  async check(): Promise<void> {
    await this.#send('SELECT 1')
  }

  /** Ends the connection: statements that run are interrupted, and it is closed as soon as they have returned. */
  end(reason?: Error): void {
    if (this.#ended !== undefined) return
    this.#ended = new ConnectionLostError(
      'the connection was closed before the statement had ended, so it had no effect',
      reason,
      { deliberate: isEndedOnPurpose(reason) },
    )
    this.#closeOnceIdle()
  }

  #fail(error: Error): void {
    if (this.#ended !== undefined) return
    this.#ended = new ConnectionLostError('DuckDB has given up the database', error)
    this.#use.invalidate()
    this.#onSignal({ kind: 'lost', error })
    this.#closeOnceIdle()
  }

  /** DuckDB must not be closed under a statement. */
  #closeOnceIdle(): void {
    if (this.#running.first !== undefined) {
      this.#connection.interrupt()
      this.#clock.setTimeout(() => this.#closeOnceIdle(), INTERRUPT_AGAIN_MS, true)
      return
    }
    this.#connection.closeSync()
    this.#use.release()
  }

  /**
   * DuckDB answers the COMMIT of a transaction that an error has aborted as if it had committed, and rolls back.
   *
   * @throws TransactionRolledBackError `CONNMGR_TRANSACTION_ROLLED_BACK`
   */
  async #requireCommittable(): Promise<void> {
    try {
      await this.#send('SELECT 1')
    } catch (error) {
      if (!isAborted(error)) throw error
      throw new TransactionRolledBackError(
        'nothing was committed: an earlier error, which was ignored, has aborted the transaction',
        error,
      )
    }
  }

  async #send(sql: string): Promise<void> {
    const { connection } = this
    await this.#run(() => connection.run(sql))
  }

  /** Runs a call of DuckDB, which counts as under way until its error has been dealt with. */
  #run<T>(call: () => Promise<T>): Promise<T> {
    return this.#running.during(async () => {
      try {
        return await call()
      } catch (error) {
        if (isFatalForAll(error)) this.#fail(error as Error)
        throw this.#ended ?? error
      }
    })
  }

  #noteWrite(sql: string | undefined): ((end: WriteEnd) => void) | undefined {
    if (sql === undefined || plainlyReads(sql) || (this.#inTransaction && isPlain(sql)))
      return undefined
    const flow = currentEffects()
    const borrower = this.activity.lease?.owner.effects as Effects | undefined
    const ends = [flow?.begin()]
    if (borrower !== undefined && flow?.isWithin(borrower) !== true) ends.push(borrower.begin())
    return (end) => {
      for (const each of ends) each?.(end)
    }
  }
}
