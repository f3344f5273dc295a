import type { StatementTrace } from '@connmgr/core/driver'
import type { Followed } from './followed.js'
import type { TransactionWatch } from './transaction-watch.js'

/** Where a statement began, for what it has done to a transaction. */
interface Before {
  readonly inside: boolean
  readonly ended: number
}

/**
 * What is published of a statement: when it was sent, what it has done to a transaction, and how it has ended. A statement
 * that a pool has handed over is ended by the pool, unless it answers by events.
 */
export class TracedStatement {
  readonly #trace: StatementTrace
  readonly #transactions: TransactionWatch
  readonly #ends: boolean
  #before: Before | undefined
  #rows: number | undefined
  #answered = false

  constructor(trace: StatementTrace, transactions: TransactionWatch, byEvents: boolean) {
    this.#trace = trace
    this.#transactions = transactions
    this.#ends = byEvents || !trace.handedOver
  }

  sent(prepared: boolean): void {
    this.#before = this.#transactions.traced
    this.#trace.sent()
    if (prepared) this.#trace.prepared()
  }

  /** One more row has come of a statement that answers by events; or its result, if it has no rows. */
  row(row: unknown): void {
    const { affectedRows } = (row ?? {}) as { affectedRows?: unknown }
    if (isHeader(row) && typeof affectedRows === 'number') this.#rows = affectedRows
    else this.#rows = (this.#rows ?? 0) + 1
  }

  answered(statement: Followed, error: unknown, rows?: unknown, fields?: unknown): void {
    if (this.#answered) return
    this.#answered = true
    this.#trace.answered()
    const before = this.#before
    if (before !== undefined)
      this.#trace.inTransaction(
        this.#transactions.transactionOf(before, statement.verb, Boolean(error)),
      )
    if (!this.#ends) return
    if (error) this.#trace.failed(error)
    else this.#trace.succeeded(rowCountOf(rows, fields) ?? this.#rows)
  }

  /**
   * Its command has ended: without having been sent, if it could not be prepared. One that was sent is answered, though
   * mysql2 does so after it has told of the end.
   */
  ended(error: unknown): void {
    const sent = this.#before !== undefined
    if (this.#ends && !sent && !this.#answered) this.#trace.failed(error)
  }
}

/** Rows returned or changed, of all statements of a text. */
export function rowCountOf(rows: unknown, fields?: unknown): number | undefined {
  if (!Array.isArray(rows)) {
    const { affectedRows } = (rows ?? {}) as { affectedRows?: unknown }
    return typeof affectedRows === 'number' ? affectedRows : undefined
  }
  // A text of several statements has an array of fields, or none, for each.
  const several =
    Array.isArray(fields) && fields.some((each) => each === undefined || Array.isArray(each))
  if (!several) return rows.length
  const counts = rows.map((each) => rowCountOf(each)).filter((count) => count !== undefined)
  return counts.reduce((sum, count) => sum + count, 0)
}

function isHeader(row: unknown): boolean {
  return (
    (row as { constructor?: { name?: string } } | null)?.constructor?.name === 'ResultSetHeader'
  )
}
