import { COLUMN_TYPE, type ColumnType } from '../bindings/driver-adapter.js'

/** By the type that a table declares. Any other is inferred from the values, as that of an expression is. */
const DECLARED: ReadonlyMap<string, ColumnType> = new Map<string, ColumnType>([
  ['DECIMAL', COLUMN_TYPE.numeric],
  ['FLOAT', COLUMN_TYPE.float],
  ...each(COLUMN_TYPE.double, 'DOUBLE', 'DOUBLE PRECISION', 'NUMERIC', 'REAL'),
  ...each(
    COLUMN_TYPE.int32,
    'TINYINT',
    'SMALLINT',
    'MEDIUMINT',
    'INT',
    'INTEGER',
    'SERIAL',
    'INT2',
  ),
  ...each(COLUMN_TYPE.int64, 'BIGINT', 'UNSIGNED BIG INT', 'INT8'),
  ...each(COLUMN_TYPE.dateTime, 'DATETIME', 'TIMESTAMP'),
  ['TIME', COLUMN_TYPE.time],
  ['DATE', COLUMN_TYPE.date],
  ...each(COLUMN_TYPE.text, 'TEXT', 'CLOB', 'CHARACTER', 'VARCHAR', 'VARYING CHARACTER', 'NCHAR'),
  ...each(COLUMN_TYPE.text, 'NATIVE CHARACTER', 'NVARCHAR'),
  ['BLOB', COLUMN_TYPE.bytes],
  ['BOOLEAN', COLUMN_TYPE.boolean],
  ['JSONB', COLUMN_TYPE.json],
])

function each(type: ColumnType, ...names: string[]): [string, ColumnType][] {
  return names.map((name) => [name, type])
}

/**
 * The types of the columns of a result, for Prisma to make its values of.
 *
 * @param declared the types that the tables declare, empty texts for expressions
 */
export function columnTypesOf(
  declared: readonly string[],
  rows: readonly ArrayLike<unknown>[],
): ColumnType[] {
  return declared.map((name, index) => DECLARED.get(name.toUpperCase()) ?? inferred(rows, index))
}

/** By the first value that there is. */
function inferred(rows: readonly ArrayLike<unknown>[], index: number): ColumnType {
  const row = rows.find((each) => each[index] !== null)
  if (row === undefined) return COLUMN_TYPE.int32
  switch (typeof row[index]) {
    case 'string':
      return COLUMN_TYPE.text
    case 'bigint':
      return COLUMN_TYPE.int64
    case 'number':
      return COLUMN_TYPE.unknownNumber
    default:
      return COLUMN_TYPE.bytes
  }
}
