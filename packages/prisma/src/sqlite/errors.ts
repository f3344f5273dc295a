import { DriverAdapterError, type MappedError } from '../bindings/driver-adapter.js'

/** An error of libSQL's client, as the pools of @connmgr/sqlite throw it. */
interface ClientError {
  readonly code: string
  readonly extendedCode?: string
  readonly rawCode?: number
  readonly message: string
  readonly cause?: unknown
}

const BUSY = 5
const CONSTRAINT_FOREIGN_KEY = 787
const CONSTRAINT_NOT_NULL = 1299
const CONSTRAINT_PRIMARY_KEY = 1555
const CONSTRAINT_TRIGGER = 1811
const CONSTRAINT_UNIQUE = 2067

/**
 * An error of SQLite, in Prisma's terms. All others are returned as they are: those of the engine have a code of their own,
 * which Prisma keeps.
 */
export function toPrismaError(error: unknown): unknown {
  if (!isClientError(error)) return error
  const { code, extendedCode, rawCode, cause } = error
  if (code === 'TRANSACTION_CLOSED')
    return new DriverAdapterError({
      kind: 'TransactionAlreadyClosed',
      cause: 'the transaction has ended, or SQLite has rolled it back for an error before',
    })
  if (rawCode === undefined) return error
  // libSQL's client puts the name of the code before what SQLite has said.
  const said = cause instanceof Error ? cause.message : error.message
  return new DriverAdapterError({
    originalCode: extendedCode ?? code,
    originalMessage: said,
    ...mapped(rawCode, said),
  })
}

function mapped(code: number, said: string): MappedError {
  switch (code) {
    case CONSTRAINT_UNIQUE:
    case CONSTRAINT_PRIMARY_KEY:
      return { kind: 'UniqueConstraintViolation', ...violated(said) }
    case CONSTRAINT_NOT_NULL:
      return { kind: 'NullConstraintViolation', constraint: violated(said).constraint }
    case CONSTRAINT_FOREIGN_KEY:
    case CONSTRAINT_TRIGGER:
      return { kind: 'ForeignKeyConstraintViolation', constraint: { foreignKey: {} } }
  }
  if ((code & 0xff) === BUSY) return { kind: 'SocketTimeout' }
  const table = /^no such table: (.*)$/s.exec(said)?.[1]
  if (table !== undefined) return { kind: 'TableDoesNotExist', table }
  const column = /(?:^no such column: |has no column named )(.*)$/s.exec(said)?.[1]
  if (column !== undefined) return { kind: 'ColumnNotFound', column }
  return { kind: 'sqlite', extendedCode: code, message: said }
}

/** The columns of `UNIQUE constraint failed: User.email, User.name`, and their table. */
function violated(said: string): { constraint?: { fields: string[] }; table?: string } {
  const columns = /constraint failed: (.*)$/s.exec(said)?.[1]?.split(', ')
  if (columns === undefined) return {}
  const table = columns[0]?.split('.').slice(0, -1).join('.')
  return {
    constraint: { fields: columns.map((column) => column.slice(column.lastIndexOf('.') + 1)) },
    ...(table ? { table } : {}),
  }
}

function isClientError(error: unknown): error is ClientError {
  return (
    error instanceof Error &&
    /^Libsql(?:Batch)?Error$/.test(error.name) &&
    typeof (error as Partial<ClientError>).code === 'string'
  )
}
