import { ConnectionLostError, type Lease } from '@connmgr/core'
import type { FunctionReference, Lent, StatementTrace, StatementTracer } from '@connmgr/core/driver'
import mysql2, { type Connection } from 'mysql2'
import type { Command } from '../internals.js'
import { rowCountOf } from '../outcome/statement-trace.js'
import { endOnAbort, explainAbort } from './abort-signal.js'

/** Untyped by mysql2, though it exports it. */
export const { createQuery } = mysql2 as unknown as {
  createQuery: (sql: unknown, values: unknown, callback: unknown, config: object) => Command
}

/** How a statement has ended. */
export type Answer = (error: unknown, rows?: unknown, fields?: unknown) => void

/** The pool as those see it who borrow its connections. */
export interface Lender {
  /** Publishes statements before they have a connection. */
  readonly queries: StatementTracer
  /**
   * @param again for a request that has had a connection before
   * @param signal of the request, if it has one
   */
  acquire(below: FunctionReference, again: boolean, signal?: AbortSignal): Lent<Connection>
  /** To be called when a lease begins. */
  lend(lease: Lease<Connection>): Connection
  /** Ends the lease. */
  takeBack(lease: Lease<Connection>, connection: Connection): void
  /** Ends the lease, if it has not ended, and closes its connection. */
  destroy(lease: Lease<Connection>, connection: Connection): void
  /** Whether it has died. */
  isDead(connection: Connection): boolean
}

/** Of connections that die between being lent and being used; the error of the last one goes to the caller. */
const MOST_ATTEMPTS = 3

/**
 * Runs one command on a connection that is borrowed for it, and gives that back before the caller gets the result: what it
 * asks for next finds it free. If the connection has died in the meantime, so that nothing was sent, another is taken.
 *
 * There is one for each statement, so its fields are set as those of `Lease` are: private members of a new object are slow
 * to define in a process with much other code.
 */
export abstract class PoolStatement {
  declare private readonly lender: Lender
  declare private readonly below: FunctionReference
  declare private readonly signal: AbortSignal | undefined
  declare private answer: Answer
  declare private attempt: number
  /** For its subscribers, if there are any. */
  declare private trace: StatementTrace | undefined

  constructor(lender: Lender, below: FunctionReference, signal: AbortSignal | undefined) {
    this.lender = lender
    this.below = below
    this.signal = signal
    this.answer = unanswered
    this.attempt = 0
    this.trace = undefined
  }

  /** Sends it, and has `done` called once with how it has ended. */
  protected abstract send(connection: Connection, done: NonNullable<Command['onResult']>): void

  /** @param sql what the caller has given as such */
  run(answer: Answer, sql: unknown): void {
    this.answer = answer
    this.attempt = 0
    const { queries } = this.lender
    if (queries.active) this.runTraced(queries.begin(textOfCall(sql)))
    else this.acquire()
  }

  private runTraced(trace: StatementTrace): void {
    this.trace = trace
    this.answer = tracing(this.answer, trace)
    trace.run(() => this.acquire())
  }

  private acquire(): void {
    this.attempt += 1
    const lent = this.lender.acquire(this.below, this.attempt > 1, this.signal)
    if (!(lent instanceof Promise)) this.runOn(lent)
    else
      lent.then(
        (lease) => this.runOn(lease),
        (error: unknown) => process.nextTick(this.answer, error),
      )
  }

  private runOn(lease: Lease<Connection>): void {
    const { lender, signal } = this
    if (this.attempt < MOST_ATTEMPTS && lender.isDead(lease.entry.connection)) {
      lease.destroy()
      this.acquire()
      return
    }
    const connection = lender.lend(lease)
    const stopListening = signal === undefined ? undefined : endOnAbort(lease, signal)
    let open = true
    try {
      const done: NonNullable<Command['onResult']> = (error, rows, fields) => {
        // mysql2 answers twice for what it could not encode.
        if (!open) return
        open = false
        stopListening?.()
        // Errors come in the midst of what the connection does about them.
        if (error) process.nextTick(() => this.failed(lease, connection, error, rows, fields))
        else {
          lender.takeBack(lease, connection)
          this.answer(error, rows, fields)
        }
      }
      if (this.trace === undefined) this.send(connection, done)
      else this.trace.handOver(() => this.send(connection, done))
    } catch (error) {
      stopListening?.()
      process.nextTick(() => this.failed(lease, connection, error))
    }
  }

  private failed(
    lease: Lease<Connection>,
    connection: Connection,
    error: unknown,
    rows?: unknown,
    fields?: unknown,
  ): void {
    // Its signal may have ended the lease.
    if (lease.active) this.lender.takeBack(lease, connection)
    if (this.attempt < MOST_ATTEMPTS && neverSent(error)) this.acquire()
    else this.answer(explainAbort(error, this.signal), rows, fields)
  }
}

/** A statement that is sent as a text with its values in it. */
export class PoolQuery extends PoolStatement {
  /** Undefined once it has been sent: another attempt is another command. */
  declare private command: Command | undefined
  declare private readonly sql: unknown
  declare private readonly values: unknown
  declare private readonly config: object

  /** @param command made by `createQuery` of what follows */
  constructor(
    lender: Lender,
    below: FunctionReference,
    signal: AbortSignal | undefined,
    command: Command,
    sql: unknown,
    values: unknown,
    config: object,
  ) {
    super(lender, below, signal)
    this.command = command
    this.sql = sql
    this.values = values
    this.config = config
  }

  protected override send(connection: Connection, done: NonNullable<Command['onResult']>): void {
    const command = this.command ?? createQuery(this.sql, this.values, done, this.config)
    this.command = undefined
    command.onResult = done
    ;(connection.query as (command: unknown) => void)(command)
  }
}

/** A statement that is prepared. */
export class PoolExecute extends PoolStatement {
  declare private readonly sql: unknown
  declare private readonly values: unknown

  constructor(
    lender: Lender,
    below: FunctionReference,
    signal: AbortSignal | undefined,
    sql: unknown,
    values: unknown,
  ) {
    super(lender, below, signal)
    this.sql = sql
    this.values = values
  }

  protected override send(connection: Connection, done: NonNullable<Command['onResult']>): void {
    ;(connection.execute as (...args: unknown[]) => void)(this.sql, this.values, done)
  }
}

/** The text of what `query` or `execute` was called with. */
export function textOfCall(sql: unknown): string | undefined {
  const text = typeof sql === 'string' ? sql : (sql as { sql?: unknown } | null)?.sql
  return typeof text === 'string' ? text : undefined
}

function neverSent(error: unknown): boolean {
  return error instanceof ConnectionLostError && !error.sent && !error.deliberate
}

/** Made here, and not where it is set, for the reason given at `answerPrepare`. */
function tracing(answer: Answer, trace: StatementTrace): Answer {
  return (error, rows, fields) => {
    if (error) trace.failed(error)
    else trace.succeeded(rowCountOf(rows, fields))
    answer(error, rows, fields)
  }
}

function unanswered(): void {}
