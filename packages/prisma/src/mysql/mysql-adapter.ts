import type { ManagedPool } from '@connmgr/mysql'
import type {
  SqlAdapter,
  SqlIsolationLevel,
  SqlQuery,
  SqlQueryable,
  SqlResultSet,
  SqlTransaction,
} from '../bindings/driver-adapter.js'
import { columnTypeOf, type MysqlField } from './columns.js'
import { toPrismaError } from './errors.js'
import { fromMysql, STATEMENT_OPTIONS, toMysql } from './values.js'

/** What the part of the adapter for MySQL and MariaDB can be told. */
export interface PrismaMysqlOptions {
  /** The name of the database, for the texts that Prisma makes. `@default` none, so that the connection's applies */
  readonly database?: string
  /** Sends values within the text of a statement, and prepares none. `@default` false */
  readonly useTextProtocol?: boolean
}

/** For Prisma's messages. */
export const MYSQL_ADAPTER_NAME = '@connmgr/prisma (mysql)'

/** How a statement of either protocol ends. */
interface Written {
  readonly affectedRows: number
  readonly insertId: number | string
}
type Answer = [rows: unknown[][] | Written, fields: readonly MysqlField[] | undefined]

/** A pool of mysql2, or one of its connections. */
export interface Sender {
  query(options: object): Promise<unknown>
  execute(options: object): Promise<unknown>
}

/** A connection of a pool. */
export interface SenderOfTransaction extends Sender {
  release(): void
  destroy(): void
}

abstract class MysqlQueryable<S extends Sender> implements SqlQueryable {
  readonly provider = 'mysql'
  readonly adapterName = MYSQL_ADAPTER_NAME
  protected readonly sender: S
  readonly #textProtocol: boolean

  constructor(sender: S, { useTextProtocol = false }: PrismaMysqlOptions) {
    this.sender = sender
    this.#textProtocol = useTextProtocol
  }

  async queryRaw(query: SqlQuery): Promise<SqlResultSet> {
    const [rows, fields = []] = await this.#run(query)
    if (!Array.isArray(rows))
      return { columnNames: [], columnTypes: [], rows: [], lastInsertId: String(rows.insertId) }
    return {
      columnNames: fields.map(({ name }) => name),
      columnTypes: fields.map(columnTypeOf),
      rows: rows.map((row) => fields.map((field, index) => fromMysql(row[index] ?? null, field))),
    }
  }

  async executeRaw(query: SqlQuery): Promise<number> {
    const [rows] = await this.#run(query)
    return Array.isArray(rows) ? 0 : rows.affectedRows
  }

  protected async control(sql: string): Promise<void> {
    await inPrismasTerms(() => this.sender.query({ sql }))
  }

  #run({ sql, args, argTypes }: SqlQuery): Promise<Answer> {
    const values = args.map((value, index) => toMysql(value, argTypes[index] ?? UNTYPED))
    const options = { ...STATEMENT_OPTIONS, sql, values }
    return inPrismasTerms(
      () =>
        (this.#textProtocol
          ? this.sender.query(options)
          : this.sender.execute(options)) as Promise<Answer>,
    )
  }
}

const UNTYPED = { scalarType: 'unknown', arity: 'scalar' } as const

/** Prisma's driver adapter over the pool of a manager. */
export class MysqlAdapter extends MysqlQueryable<Sender> implements SqlAdapter {
  readonly #pool: ManagedPool
  readonly #options: PrismaMysqlOptions
  readonly #relationJoins: boolean

  /** @param relationJoins whether the server has lateral joins and JSON aggregates as Prisma uses them: MySQL from 8.0.13 */
  constructor(pool: ManagedPool, relationJoins: boolean, options: PrismaMysqlOptions) {
    super(pool.promise(), options)
    this.#pool = pool
    this.#options = options
    this.#relationJoins = relationJoins
  }

  getConnectionInfo(): { schemaName?: string; supportsRelationJoins: boolean } {
    const { database } = this.#options
    return {
      supportsRelationJoins: this.#relationJoins,
      ...(database === undefined ? {} : { schemaName: database }),
    }
  }

  async startTransaction(isolationLevel?: SqlIsolationLevel): Promise<SqlTransaction> {
    const connection = await this.#pool.promise().getConnection()
    const transaction = new MysqlTransaction(connection, this.#options)
    try {
      await transaction.begin(isolationLevel)
      return transaction
    } catch (error) {
      // Whatever state it is in, the pool finds out.
      connection.release()
      throw error
    }
  }

  executeScript(): Promise<void> {
    return Promise.reject(new Error('scripts are not run by this adapter'))
  }

  async dispose(): Promise<void> {}
}

class MysqlTransaction extends MysqlQueryable<SenderOfTransaction> implements SqlTransaction {
  /** COMMIT and ROLLBACK are ours to send: once they have failed, the connection goes back in any case. */
  readonly options = { usePhantomQuery: true }

  async begin(isolationLevel: SqlIsolationLevel | undefined): Promise<void> {
    if (isolationLevel !== undefined)
      await this.control(`SET TRANSACTION ISOLATION LEVEL ${isolationLevel}`)
    await this.control('BEGIN')
  }

  commit(): Promise<void> {
    return this.#end('COMMIT')
  }

  rollback(): Promise<void> {
    return this.#end('ROLLBACK')
  }

  createSavepoint(name: string): Promise<void> {
    return this.control(`SAVEPOINT ${name}`)
  }

  rollbackToSavepoint(name: string): Promise<void> {
    return this.control(`ROLLBACK TO ${name}`)
  }

  releaseSavepoint(name: string): Promise<void> {
    return this.control(`RELEASE SAVEPOINT ${name}`)
  }

  async #end(sql: string): Promise<void> {
    try {
      await this.control(sql)
    } finally {
      this.sender.release()
    }
  }
}

async function inPrismasTerms<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw toPrismaError(error)
  }
}
