import {
  beginTrace,
  type ConnectionActivity,
  type StatementTrace,
  type StatementTracer,
  TransactionTrace,
} from '@connmgr/core/driver'
import type { BoundStatement } from '../bindings/binding.js'
import type { StatementKind } from '../text/statement-kind.js'
import type { LiveDatabase } from './live-database.js'
import type { OpenCursor } from './open-cursor.js'

/** Publishes what is run on one connection, and which transactions it is in. */
export class SessionTracing {
  readonly #database: Pick<LiveDatabase, 'inTransaction'>
  readonly #activity: ConnectionActivity
  readonly #queries: StatementTracer | undefined
  readonly #transactions = new TransactionTrace()

  constructor(
    database: Pick<LiveDatabase, 'inTransaction'>,
    activity: ConnectionActivity,
    queries: StatementTracer | undefined,
  ) {
    this.#database = database
    this.#activity = activity
    this.#queries = queries
  }

  /** Begins to publish a statement, if there is a subscriber. */
  begin(sql: string): StatementTrace | undefined {
    return beginTrace(this.#queries, this.#activity, sql)
  }

  /** Runs a statement, at once or once its lock is there; each attempt is the one that counts. */
  attempt<T>(trace: StatementTrace, kind: StatementKind | undefined, action: () => T): T {
    const { lease } = this.#activity
    const before = this.#database.inTransaction
    trace.sent()
    try {
      return action()
    } finally {
      trace.answered()
      const committed = kind?.control === 'commit' || kind?.control === 'savepoint'
      trace.inTransaction(
        this.#transactions.of({
          before,
          after: this.#database.inTransaction,
          committed,
          lease,
        }),
      )
    }
  }
}

/** Publishes the end of what answers later. */
export function ending<T>(trace: StatementTrace, result: Promise<T>): Promise<T> {
  if (trace.handedOver) return result
  return result.then(
    (value) => {
      trace.succeeded(undefined)
      return value
    },
    (error: unknown) => {
      trace.failed(error)
      throw error
    },
  )
}

/** The same of what answers at once. */
export function endingNow<T>(trace: StatementTrace, action: () => T): T {
  try {
    const value = action()
    trace.succeeded(undefined)
    return value
  } catch (error) {
    trace.failed(error)
    throw error
  }
}

/** A cursor ends when it is closed. */
export function endingWith(trace: StatementTrace, cursor: OpenCursor): void {
  const { onClose } = cursor
  cursor.onClose = () => {
    onClose()
    trace.answered()
    trace.rows(cursor.rowsRead)
    if (cursor.error === undefined) trace.succeeded(undefined)
    else trace.failed(cursor.error)
  }
}

/** The same statement, which tells how many rows it has returned or changed. */
export function countingRows(trace: StatementTrace, statement: BoundStatement): BoundStatement {
  return {
    returnsRows: statement.returnsRows,
    columns: () => statement.columns(),
    run: (parameters) => {
      const result = statement.run(parameters)
      trace.rows(result.changes)
      return result
    },
    all: (parameters) => {
      const rows = statement.all(parameters)
      trace.rows(rows.length)
      return rows
    },
    get: (parameters) => {
      const row = statement.get(parameters)
      trace.rows(row === undefined ? 0 : 1)
      return row
    },
    iterate: (parameters) => statement.iterate(parameters),
  }
}
