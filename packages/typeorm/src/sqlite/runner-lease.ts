import { type Lease, TransactionRolledBackError } from '@connmgr/core'
import type { FunctionReference, StatementTracer } from '@connmgr/core/driver'
import type {
  RunResult,
  SqliteConnection,
  SqliteParameter,
  SqliteParameters,
} from '@connmgr/sqlite'
import { controlOf, keepsItsConnection } from './statement-control.js'

/** What one statement has given, in the form in which TypeORM reads it from better-sqlite3. */
export type Performed =
  | { readonly reader: true; readonly rows: unknown[] }
  | { readonly reader: false; readonly result: RunResult }

/** Borrows a connection; leak reports begin above the call of `below`. */
export type Lend = (below: FunctionReference) => Promise<Lease<SqliteConnection>>

/** A connection that a query runner keeps beyond one statement. */
interface Held {
  readonly lease: Lease<SqliteConnection>
  readonly connection: SqliteConnection
  /** From BEGIN to a COMMIT that succeeds, or ROLLBACK. */
  begun: boolean
  /** Why COMMIT has failed, with which all was rolled back. */
  failure: unknown
  /** The runner has changed the session, and counts on that. */
  kept: boolean
  /** The runner has changed the session, now or before. */
  altered: boolean
}

/** Of a statement that begins or ends a transaction. */
const NO_ROWS: Performed = { reader: false, result: { changes: 0, lastInsertRowid: 0 } }

/**
 * The connection of one query runner. Each statement borrows one for itself, unless the runner is in a transaction: from
 * BEGIN to its end it has a connection of its own, so that no other's statements get into it. A statement that changes the
 * session, such as a pragma, keeps the connection as well, until the runner is released.
 */
export class RunnerLease {
  readonly #lend: Lend
  /** Leases that hold a connection. */
  readonly #holding: Set<RunnerLease>
  readonly #replaces: boolean
  readonly #queries: () => StatementTracer | undefined
  #held: Held | undefined

  /**
   * @param replaces whether a connection whose session was changed is closed rather than reset
   * @param queries publishes statements before they have a connection
   */
  constructor(
    lend: Lend,
    holding: Set<RunnerLease>,
    replaces: boolean,
    queries: () => StatementTracer | undefined,
  ) {
    this.#queries = queries
    this.#lend = lend
    this.#replaces = replaces
    this.#holding = holding
  }

  /** @param below the function now on the stack above whose call leak reports begin */
  perform(
    sql: string,
    parameters: readonly unknown[],
    below: FunctionReference,
  ): Promise<Performed> {
    // On a connection that it has, that publishes the statement. One that keeps what it borrows beyond itself is published
    // there too: the lease is its caller's, not the statement's alone.
    const isAlone =
      this.#held === undefined && controlOf(sql) === undefined && !keepsItsConnection(sql)
    const queries = isAlone ? this.#queries() : undefined
    if (queries?.active !== true)
      return this.#perform(below, (held) => this.#run(held, sql, parameters))
    const trace = queries.begin(sql)
    return trace.run(async () => {
      try {
        const performed = await this.#perform(below, (held) =>
          trace.handOver(() => this.#run(held, sql, parameters)),
        )
        trace.succeeded(undefined)
        return performed
      } catch (error) {
        trace.failed(error)
        throw error
      }
    })
  }

  async #perform(
    below: FunctionReference,
    run: (held: Held) => Promise<Performed>,
  ): Promise<Performed> {
    const held = this.#held ?? (await this.#borrow(below))
    try {
      return await run(held)
    } finally {
      this.#settle(held)
    }
  }

  /** The session may be as it was: what the runner has changed in it is put back with the end of the lease. */
  letGo(): void {
    const held = this.#held
    if (held === undefined) return
    held.kept = false
    this.#settle(held)
  }

  /** Gives the connection back. A transaction that was not ended is rolled back. */
  release(): void {
    const held = this.#held
    if (held === undefined) return
    held.begun = false
    this.#end(held)
  }

  async #borrow(below: FunctionReference): Promise<Held> {
    const lease = await this.#lend(below)
    const { connection } = lease
    return { lease, connection, begun: false, failure: undefined, kept: false, altered: false }
  }

  async #run(held: Held, sql: string, parameters: readonly unknown[]): Promise<Performed> {
    const { connection } = held
    const control = controlOf(sql)
    if (control === 'begin' && !held.begun && !connection.inTransaction) {
      // At once the lock for writing, which could not be had later without giving up what was read.
      await connection.begin({ readOnly: connection.readOnly })
      held.begun = true
      return NO_ROWS
    }
    if (control === 'rollback' && held.begun) {
      held.begun = false
      await connection.rollback()
      return NO_ROWS
    }
    if (held.failure !== undefined)
      throw new TransactionRolledBackError(
        'COMMIT has failed, and the transaction was rolled back with that; roll it back before going on',
        held.failure,
      )
    if (control === 'commit' && held.begun) {
      await this.#commit(held)
      return NO_ROWS
    }
    if (keepsItsConnection(sql)) {
      held.kept = true
      held.altered = true
    }
    return performOn(connection, sql, parameters, this.perform)
  }

  async #commit(held: Held): Promise<void> {
    try {
      await held.connection.commit()
      held.begun = false
    } catch (error) {
      held.failure = error
      throw error
    }
  }

  #settle(held: Held): void {
    if (held.begun || held.kept || held.connection.inTransaction) {
      this.#held = held
      this.#holding.add(this)
    } else this.#end(held)
  }

  #end(held: Held): void {
    if (this.#held === held) {
      this.#held = undefined
      this.#holding.delete(this)
    }
    if (!held.lease.active) return
    if (held.altered && this.#replaces) held.lease.destroy()
    else held.lease.release()
  }
}

function performOn(
  connection: SqliteConnection,
  sql: string,
  parameters: readonly unknown[],
  below: FunctionReference,
): Promise<Performed> {
  const values = bindable(parameters)
  return connection.perform(sql, {}, below, (statement) =>
    statement.returnsRows
      ? { reader: true, rows: statement.all(values) }
      : { reader: false, result: statement.run(values) },
  )
}

/** As better-sqlite3 binds what TypeORM spreads: an object alone has values by name, and undefined is NULL. */
function bindable(parameters: readonly unknown[]): SqliteParameters {
  const [first] = parameters
  if (parameters.length === 1 && isPlainObject(first)) return first
  return parameters.map((value) => (value === undefined ? null : (value as SqliteParameter)))
}

function isPlainObject(value: unknown): value is Record<string, SqliteParameter> {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}
