/**
 * What Prisma's engine calls, as far as it does: its interface `SqlDriverAdapter`. Structural, so that nothing is imported
 * from a package that only Prisma's own adapters depend on.
 */
export interface SqlAdapter extends SqlQueryable {
  executeScript(script: string): Promise<void>
  startTransaction(isolationLevel?: SqlIsolationLevel): Promise<SqlTransaction>
  getConnectionInfo?(): {
    schemaName?: string
    maxBindValues?: number
    supportsRelationJoins: boolean
  }
  dispose(): Promise<void>
}

export interface SqlQueryable {
  readonly provider: 'postgres' | 'sqlite' | 'mysql' | 'sqlserver'
  readonly adapterName: string
  queryRaw(query: SqlQuery): Promise<SqlResultSet>
  executeRaw(query: SqlQuery): Promise<number>
}

export interface SqlTransaction extends SqlQueryable {
  /** `usePhantomQuery`: the engine leaves COMMIT and ROLLBACK to `commit` and `rollback`. */
  readonly options: { usePhantomQuery: boolean }
  commit(): Promise<void>
  rollback(): Promise<void>
  createSavepoint?(name: string): Promise<void>
  rollbackToSavepoint?(name: string): Promise<void>
  releaseSavepoint?(name: string): Promise<void>
}

export type SqlIsolationLevel =
  | 'READ UNCOMMITTED'
  | 'READ COMMITTED'
  | 'REPEATABLE READ'
  | 'SNAPSHOT'
  | 'SERIALIZABLE'

export interface SqlQuery {
  sql: string
  args: unknown[]
  argTypes: SqlArgType[]
}

export interface SqlArgType {
  scalarType: string
  dbType?: string
  arity: string
}

export interface SqlResultSet {
  columnNames: string[]
  columnTypes: ColumnType[]
  rows: unknown[][]
  lastInsertId?: string
}

/** Prisma's numbers for the types of columns, those of them that a column of SQLite can have. */
export const COLUMN_TYPE = {
  int32: 0,
  int64: 1,
  float: 2,
  double: 3,
  numeric: 4,
  boolean: 5,
  text: 7,
  date: 8,
  time: 9,
  dateTime: 10,
  json: 11,
  bytes: 13,
  unknownNumber: 128,
} as const

/** Those, and the ones that other databases have beside them. */
export type ColumnType = (typeof COLUMN_TYPE)[keyof typeof COLUMN_TYPE] | OtherColumnType

type OtherColumnType = 6 | 12 | 14 | 15 | ArrayColumnType
type ArrayColumnType = 64 | 65 | 66 | 67 | 68 | 69 | 70 | 71 | 72 | 73 | 74 | 75 | 76 | 77 | 78

/** What has gone wrong, in Prisma's terms. */
export interface MappedError {
  readonly kind: string
  /** What the database has said, and its code. */
  readonly originalCode?: string
  readonly originalMessage?: string
  readonly [detail: string]: unknown
}

/**
 * An error of the database in Prisma's terms. Prisma knows it by its name, and makes its own error of it, unless a COMMIT
 * has failed: then this one is what the caller of `$transaction` gets.
 */
export class DriverAdapterError extends Error {
  override readonly name = 'DriverAdapterError'
  override readonly cause: MappedError

  constructor(cause: MappedError) {
    super(cause.originalMessage ?? cause.kind)
    this.cause = cause
  }
}
