import type { ConnectionManager, Lease } from '@connmgr/core'
import type { SqliteParameter } from '../bindings/binding.js'
import { tracedCall } from '../client/traced-call.js'
import { type SqliteConnection, sessionOf } from '../connection.js'
import { kindOf } from '../text/statement-kind.js'

/** A query as Kysely compiles it; what is used of it. */
export interface KyselyQuery {
  readonly sql: string
  readonly parameters: readonly unknown[]
}

/** The result of a query as Kysely takes it. */
export interface KyselyResult<R> {
  readonly rows: R[]
  readonly numAffectedRows?: bigint
  readonly insertId?: bigint
}

/**
 * A connection as Kysely sees it. Kysely asks for one before it knows what for, so that the lease comes with the first
 * query: of a reader for one that plainly reads, and of the writer for any other.
 */
export class KyselyConnection {
  readonly #manager: ConnectionManager<SqliteConnection>
  #lease: Lease<SqliteConnection> | undefined

  constructor(manager: ConnectionManager<SqliteConnection>) {
    this.#manager = manager
  }

  async executeQuery<R>({ sql, parameters }: KyselyQuery): Promise<KyselyResult<R>> {
    const values = parameters as readonly SqliteParameter[]
    return tracedCall(this.#manager.queries, sql, async (handOver) => {
      const { connection } = await this.#leaseFor(sql)
      return handOver(() =>
        connection.perform(sql, {}, this.executeQuery, (statement): KyselyResult<R> => {
          if (statement.returnsRows) return { rows: statement.all(values) as R[] }
          const { changes, lastInsertRowid } = statement.run(values)
          return {
            rows: [],
            numAffectedRows: BigInt(changes),
            insertId: BigInt(lastInsertRowid),
          }
        }),
      )
    })
  }

  async *streamQuery<R>(
    { sql, parameters }: KyselyQuery,
    chunkSize = 100,
  ): AsyncIterableIterator<KyselyResult<R>> {
    const { connection } = await this.#leaseFor(sql)
    let rows: R[] = []
    for await (const row of connection.iterate<R>(sql, parameters as readonly SqliteParameter[])) {
      rows.push(row)
      if (rows.length < chunkSize) continue
      yield { rows }
      rows = []
    }
    if (rows.length > 0) yield { rows }
  }

  async begin(readOnly: boolean): Promise<void> {
    if (this.#lease !== undefined && !readOnly && this.#lease.connection.readOnly) this.release()
    this.#lease ??= await this.#acquire(readOnly, this.begin)
    await sessionOf(this.#lease.connection).begin(readOnly)
  }

  /** The lease of the transaction. @throws Error if there is none */
  get leased(): Lease<SqliteConnection> {
    if (this.#lease === undefined) throw new Error('the transaction has not begun')
    return this.#lease
  }

  release(): void {
    const lease = this.#lease
    this.#lease = undefined
    if (lease?.active === true) lease.release()
  }

  async #leaseFor(sql: string): Promise<Lease<SqliteConnection>> {
    const { reads } = kindOf(sql)
    const lease = this.#lease
    // Within a transaction a write on a reader is refused, as it is to be.
    const mayStay =
      lease !== undefined && (reads || !lease.connection.readOnly || lease.connection.inTransaction)
    if (!mayStay) {
      this.release()
      this.#lease = await this.#acquire(reads, this.executeQuery)
    }
    return this.leased
  }

  #acquire(
    readOnly: boolean,
    below: (...args: never[]) => unknown,
  ): Promise<Lease<SqliteConnection>> {
    return this.#manager.lend({ target: readOnly ? 'prefer-standby' : 'primary' }, below)
  }
}
