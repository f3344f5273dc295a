import { DriverAdapterError, type MappedError } from '../bindings/driver-adapter.js'

/** An error of the server, as mysql2 has it. */
interface ServerError extends Error {
  readonly errno: number
  readonly sqlState: string
  readonly sqlMessage: string
}

/** What a message names, by the number of its error: as MySQL and MariaDB word it. */
const NAMED: Readonly<Record<number, RegExp>> = {
  1007: /database '([^']*)'/,
  1044: /to database '([^']*)'/,
  1045: /for user '([^']*)'/,
  1048: /Column '([^']*)'/,
  1049: /Unknown database '([^']*)'/,
  1054: /Unknown column '([^']*)'/,
  1062: /for key '([^']*)'/,
  1146: /Table '(?:[^']*\.)?([^'.]*)'/,
  1263: /column '([^']*)'/,
  1364: /Field '([^']*)'/,
  1406: /for column '([^']*)'/,
  1451: /FOREIGN KEY \(`([^`]*)`/,
  1452: /FOREIGN KEY \(`([^`]*)`/,
}

/**
 * An error of the server, in Prisma's terms. All others are returned as they are: those of the engine have a code of their
 * own, which Prisma keeps.
 */
export function toPrismaError(error: unknown): unknown {
  if (!isServerError(error)) return error
  const { errno, sqlMessage } = error
  return new DriverAdapterError({
    originalCode: String(errno),
    originalMessage: sqlMessage,
    ...mapped(error, NAMED[errno]?.exec(sqlMessage)?.[1]),
  })
}

function mapped({ errno, sqlMessage, sqlState }: ServerError, named?: string): MappedError {
  switch (errno) {
    case 1062:
      return { kind: 'UniqueConstraintViolation', ...keyOf(named) }
    case 1451:
    case 1452:
      return { kind: 'ForeignKeyConstraintViolation', ...fieldOf(named) }
    case 1048:
    case 1263:
    case 1364:
      return { kind: 'NullConstraintViolation', ...fieldOf(named) }
    case 1264:
      return { kind: 'ValueOutOfRange', cause: sqlMessage }
    case 1007:
      return { kind: 'DatabaseAlreadyExists', db: named }
    case 1044:
      return { kind: 'DatabaseAccessDenied', db: named }
    case 1045:
      return { kind: 'AuthenticationFailed', user: named }
    case 1049:
      return { kind: 'DatabaseDoesNotExist', db: named }
    case 1054:
      return { kind: 'ColumnNotFound', column: named }
    case 1146:
      return { kind: 'TableDoesNotExist', table: named }
    case 1191:
      return { kind: 'MissingFullTextSearchIndex' }
    case 1406:
      return { kind: 'LengthMismatch', column: named }
    case 1213:
      return { kind: 'TransactionWriteConflict' }
    case 1040:
    case 1203:
      return { kind: 'TooManyConnections', cause: sqlMessage }
    default:
      return { kind: 'mysql', code: errno, message: sqlMessage, state: sqlState }
  }
}

/** MySQL writes `table.index`, MariaDB `index`. */
function keyOf(named: string | undefined): { constraint?: { index: string }; table?: string } {
  if (named === undefined) return {}
  const dot = named.lastIndexOf('.')
  const constraint = { index: named.slice(dot + 1) }
  return dot < 0 ? { constraint } : { constraint, table: named.slice(0, dot) }
}

function fieldOf(named: string | undefined): { constraint?: { fields: string[] } } {
  return named === undefined ? {} : { constraint: { fields: [named] } }
}

function isServerError(error: unknown): error is ServerError {
  const { errno, sqlMessage, sqlState } = (error ?? {}) as Partial<ServerError>
  return (
    error instanceof Error &&
    typeof errno === 'number' &&
    typeof sqlMessage === 'string' &&
    typeof sqlState === 'string'
  )
}
