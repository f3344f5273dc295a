import type {
  LibsqlInStatement,
  LibsqlResultSet,
  LibsqlTransaction,
  ManagedPool,
} from '@connmgr/sqlite'
import {
  DriverAdapterError,
  type SqlAdapter,
  type SqlIsolationLevel,
  type SqlQuery,
  type SqlQueryable,
  type SqlResultSet,
  type SqlTransaction,
} from '../bindings/driver-adapter.js'
import { columnTypesOf } from './column-types.js'
import { toPrismaError } from './errors.js'
import { fromSqlite, type TimestampFormat, toSqlite } from './values.js'

/** Options of the adapter for SQLite. */
export interface PrismaSqliteOptions {
  /** How `DateTime`s are stored; they are read in both forms. `@default` 'iso8601' */
  readonly timestampFormat?: TimestampFormat
}

/** For Prisma's messages. */
export const SQLITE_ADAPTER_NAME = '@connmgr/prisma (sqlite)'

/** What runs statements: a pool, or one of its transactions. */
interface Runner {
  execute(statement: LibsqlInStatement): Promise<LibsqlResultSet>
}

abstract class SqliteQueryable<R extends Runner> implements SqlQueryable {
  readonly provider = 'sqlite'
  readonly adapterName = SQLITE_ADAPTER_NAME
  protected readonly runner: R
  readonly #format: TimestampFormat

  constructor(runner: R, { timestampFormat = 'iso8601' }: PrismaSqliteOptions) {
    this.runner = runner
    this.#format = timestampFormat
  }

  async queryRaw(query: SqlQuery): Promise<SqlResultSet> {
    const { columns, columnTypes, rows } = await this.#run(query)
    const types = columnTypesOf(columnTypes, rows)
    return {
      columnNames: columns,
      columnTypes: types,
      rows: rows.map((row) => types.map((type, index) => fromSqlite(row[index] ?? null, type))),
    }
  }

  async executeRaw(query: SqlQuery): Promise<number> {
    return (await this.#run(query)).rowsAffected
  }

  #run({ sql, args, argTypes }: SqlQuery): Promise<LibsqlResultSet> {
    return inPrismasTerms(() =>
      this.runner.execute({
        sql,
        args: args.map((value, index) => toSqlite(value, argTypes[index] ?? UNTYPED, this.#format)),
      }),
    )
  }
}

const UNTYPED = { scalarType: 'unknown', arity: 'scalar' } as const

/**
 * Prisma's driver adapter over the pool of a manager. What is outside of transactions borrows a connection for each
 * statement; a transaction has the writer for itself, from BEGIN until it is committed or rolled back.
 */
export class SqliteAdapter extends SqliteQueryable<ManagedPool> implements SqlAdapter {
  readonly #options: PrismaSqliteOptions

  constructor(pool: ManagedPool, options: PrismaSqliteOptions) {
    super(pool, options)
    this.#options = options
  }

  async startTransaction(isolationLevel?: SqlIsolationLevel): Promise<SqlTransaction> {
    if (isolationLevel !== undefined && isolationLevel !== 'SERIALIZABLE')
      throw new DriverAdapterError({ kind: 'InvalidIsolationLevel', level: isolationLevel })
    const begun = await inPrismasTerms(() => this.runner.transaction('write'))
    return new SqliteTransaction(begun, this.#options)
  }

  executeScript(script: string): Promise<void> {
    return inPrismasTerms(() => this.runner.executeMultiple(script))
  }

  async dispose(): Promise<void> {}
}

class SqliteTransaction extends SqliteQueryable<LibsqlTransaction> implements SqlTransaction {
  /**
   * COMMIT is ours to run: one that fails has rolled back by the time that Prisma hears of it, and no other transaction
   * finds anything of it.
   */
  readonly options = { usePhantomQuery: true }

  commit(): Promise<void> {
    return inPrismasTerms(() => this.runner.commit())
  }

  rollback(): Promise<void> {
    return inPrismasTerms(() => this.runner.rollback())
  }

  async createSavepoint(name: string): Promise<void> {
    await this.#control(`SAVEPOINT ${name}`)
  }

  async rollbackToSavepoint(name: string): Promise<void> {
    await this.#control(`ROLLBACK TO ${name}`)
  }

  async releaseSavepoint(name: string): Promise<void> {
    await this.#control(`RELEASE SAVEPOINT ${name}`)
  }

  async #control(sql: string): Promise<void> {
    await this.executeRaw({ sql, args: [], argTypes: [] })
  }
}

async function inPrismasTerms<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw toPrismaError(error)
  }
}
