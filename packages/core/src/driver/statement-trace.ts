import type { ConnectionActivity } from './contract.js'

/** Publishes the statements that borrowers send, on `connmgr:query`. One per endpoint, and one for the whole manager. */
export interface StatementTracer {
  /** False while there is no subscriber. A driver looks at this first, and then does nothing else of tracing. */
  readonly active: boolean
  /**
   * The statement that a call is about, which its caller has handed over with {@link StatementTrace.handOver}, or else a
   * new one. Its start is published by {@link StatementTrace.run}.
   *
   * @param text SQL, without values
   */
  begin(text: string | undefined): StatementTrace
}

/** The connection that a statement runs on. */
export interface TracedConnection {
  readonly endpoint?: string | undefined
  readonly connectionId?: number | undefined
  /** As the server calls the session. */
  readonly processId?: number | undefined
  /** The lease, if there is one. */
  readonly lease?: number | undefined
  /** Another tracer has wrapped the methods of the driver's client that send statements. */
  readonly instrumented?: boolean | undefined
}

/** What a transaction of a connection is to a statement. */
export interface TracedTransaction {
  /** Unique within the process. */
  readonly id: number
  /** What the statement has done to the transaction; undefined if it only ran in it. */
  readonly boundary?: 'begin' | 'commit' | 'rollback' | undefined
}

/** One statement on its way. */
export interface StatementTrace {
  /**
   * True for a statement that was begun above and is ended there, by a pool's own `query` for example, which may run it
   * again on another connection.
   */
  readonly handedOver: boolean
  /** Whether {@link run} has published its start: what runs now may be called as it is. */
  readonly started: boolean
  /** Runs the call that the statement is for, in the caller's own stack, and publishes its start before and its end after. */
  run<T>(call: () => T): T
  /**
   * Runs `call` so that the first {@link StatementTracer.begin} in it, before it returns, takes this trace over.
   *
   * @param entirely whether what takes it over ends it, too; `@default` false
   */
  handOver<T>(call: () => T, entirely?: boolean): T
  /** Notes where it runs. The latest counts. */
  on(connection: TracedConnection): void
  /** It is being sent now, or the server has begun with it at `at` on the clock. The latest counts. */
  sent(at?: number): void
  /** It has been answered now. Without this, it is taken to be when it ends. */
  answered(): void
  /** It runs as a prepared statement. */
  prepared(): void
  /** It runs among those of other callers, on one connection. */
  shared(): void
  inTransaction(transaction: TracedTransaction | undefined): void
  /** Rows that it has returned or changed so far. The latest counts. */
  rows(count: number): void
  /** Publishes that it has ended. Calls after the first do nothing. @param rowCount as {@link rows}, if known only now */
  succeeded(rowCount: number | undefined): void
  failed(error: unknown): void
}

/**
 * Where a statement runs that is sent on a connection now, for {@link StatementTrace.on}. One literal, as V8 would make a new
 * hidden class for each copy with more properties.
 */
export function tracedConnection(
  { lease }: Pick<ConnectionActivity, 'lease'>,
  processId?: number | undefined,
  instrumented?: boolean | undefined,
): TracedConnection {
  return {
    endpoint: undefined,
    connectionId: lease?.connectionId,
    processId,
    // The pool's own work after a lease has ended is not the borrower's.
    lease: lease?.active === true ? lease.id : undefined,
    instrumented,
  }
}

/** Begins to publish a statement that is sent on a connection now; undefined if there is no subscriber. */
export function beginTrace(
  queries: StatementTracer | undefined,
  activity: Pick<ConnectionActivity, 'lease'>,
  text: string,
): StatementTrace | undefined {
  if (queries?.active !== true) return undefined
  const trace = queries.begin(text)
  trace.on(tracedConnection(activity))
  return trace
}

let lastTransactionId = 0

/** A number for a transaction that a connection has begun, unique within the process. */
export function nextTransactionId(): number {
  lastTransactionId += 1
  return lastTransactionId
}

/** Numbers the transactions of one connection by whether it was in one before and after each statement that is traced. */
export class TransactionTrace {
  #id: number | undefined
  #lease: object | undefined

  /**
   * What a statement has done to a transaction.
   *
   * @param committed whether a transaction that it has ended was committed
   * @param lease by which it was sent: no transaction goes on from one to the next
   */
  of({
    after,
    before,
    committed,
    lease,
  }: {
    readonly before: boolean
    readonly after: boolean
    readonly committed: boolean
    readonly lease: object | undefined
  }): TracedTransaction | undefined {
    if (!before && !after) return undefined
    if (!before || lease !== this.#lease) this.#id = undefined
    this.#lease = lease
    this.#id ??= nextTransactionId()
    const id = this.#id
    if (!before) return { id, boundary: 'begin' }
    if (after) return { id }
    this.#id = undefined
    return { id, boundary: committed ? 'commit' : 'rollback' }
  }
}
