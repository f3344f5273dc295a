import type { BoundStatement, SqliteParameter, SqliteParameters } from '../bindings/binding.js'
import type {
  IntMode,
  LibsqlInArgs,
  LibsqlInValue,
  LibsqlResultSet,
  LibsqlRow,
  LibsqlValue,
} from './types.js'

/** Runs a statement, and returns what libSQL's client would. Rows are to be read as arrays with `bigint`s. */
export function runForResultSet(
  statement: BoundStatement,
  args: LibsqlInArgs | undefined,
  intMode: IntMode,
): LibsqlResultSet {
  const parameters = parametersOf(args, intMode)
  if (!statement.returnsRows) {
    const { changes, lastInsertRowid } = statement.run(parameters)
    return new ResultSet([], [], [], Number(changes), BigInt(lastInsertRowid))
  }
  const columns = statement.columns()
  const names = columns.map(({ name }) => name)
  const rows = statement.all(parameters).map((values) => rowOf(values as unknown[], names, intMode))
  return new ResultSet(
    names,
    columns.map(({ type }) => type ?? ''),
    rows,
    0,
    undefined,
  )
}

class ResultSet implements LibsqlResultSet {
  constructor(
    readonly columns: string[],
    readonly columnTypes: string[],
    readonly rows: LibsqlRow[],
    readonly rowsAffected: number,
    readonly lastInsertRowid: bigint | undefined,
  ) {}

  toJSON(): unknown {
    return {
      columns: this.columns,
      columnTypes: this.columnTypes,
      rows: this.rows.map((row) => Array.from(row as ArrayLike<LibsqlValue>, forJson)),
      rowsAffected: this.rowsAffected,
      lastInsertRowid: this.lastInsertRowid === undefined ? null : String(this.lastInsertRowid),
    }
  }
}

function forJson(value: LibsqlValue): unknown {
  if (typeof value === 'bigint') return String(value)
  return value instanceof ArrayBuffer ? Buffer.from(value).toString('base64') : value
}

/** Of several columns with one name the first is found by it. */
function rowOf(values: readonly unknown[], names: readonly string[], intMode: IntMode): LibsqlRow {
  const row = {} as LibsqlRow
  Object.defineProperty(row, 'length', { value: values.length })
  for (const [index, raw] of values.entries()) {
    const value = fromSqlite(raw, intMode)
    Object.defineProperty(row, index, { value })
    const name = names[index] as string
    if (Object.hasOwn(row, name)) continue
    Object.defineProperty(row, name, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  return row
}

function fromSqlite(value: unknown, intMode: IntMode): LibsqlValue {
  if (typeof value === 'bigint') return fromInteger(value, intMode)
  if (!ArrayBuffer.isView(value)) return value as LibsqlValue
  const { buffer, byteOffset, byteLength } = value
  const whole = byteLength === buffer.byteLength
  // A small Buffer lies in a piece of memory that it shares with others.
  return (whole ? buffer : buffer.slice(byteOffset, byteOffset + byteLength)) as ArrayBuffer
}

function fromInteger(value: bigint, intMode: IntMode): LibsqlValue {
  if (intMode === 'bigint') return value
  if (intMode === 'string') return String(value)
  const number = Number(value)
  if (!Number.isSafeInteger(number))
    throw new RangeError(
      `the integer ${value} is too large for a number; set the option intMode to 'bigint' or 'string'`,
    )
  return number
}

function parametersOf(args: LibsqlInArgs | undefined, intMode: IntMode): SqliteParameters {
  if (args === undefined) return []
  if (Array.isArray(args)) return args.map((value) => toSqlite(value, intMode))
  return Object.fromEntries(
    Object.entries(args).map(([name, value]) => [name, toSqlite(value, intMode)]),
  )
}

function toSqlite(value: LibsqlInValue, intMode: IntMode): SqliteParameter {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new RangeError('only finite numbers can be passed as arguments, not Infinity and NaN')
  if (typeof value === 'boolean' && intMode !== 'number')
    return intMode === 'bigint' ? BigInt(value) : String(Number(value))
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  // What is wrong is refused where it is bound.
  return value instanceof Date ? value.valueOf() : value
}
