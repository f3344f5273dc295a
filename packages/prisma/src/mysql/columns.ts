import { COLUMN_TYPE, type ColumnType } from '../bindings/driver-adapter.js'

/** A column of a result, as mysql2 describes it; what is used of it. */
export interface MysqlField {
  readonly name: string
  readonly columnType: number
  readonly flags: number
  readonly characterSet: number
  /** 'json' for a JSON column of MariaDB, which is a text by its type. */
  readonly extendedFormat?: string | undefined
}

const UNSIGNED = 32
const ENUM = 256
const BINARY_COLLATION = 63

/** The numbers that the protocol has for types. */
export const MYSQL_TYPE = { timestamp: 7, dateTime: 12, time: 11 } as const

const PLAIN: ReadonlyMap<number, ColumnType> = new Map<number, ColumnType>([
  [0, COLUMN_TYPE.numeric],
  // tiny, short, null, int24, year
  ...[1, 2, 6, 9, 13].map((type): [number, ColumnType] => [type, COLUMN_TYPE.int32]),
  [4, COLUMN_TYPE.float],
  [5, COLUMN_TYPE.double],
  [MYSQL_TYPE.timestamp, COLUMN_TYPE.dateTime],
  [8, COLUMN_TYPE.int64],
  [10, COLUMN_TYPE.date],
  [MYSQL_TYPE.time, COLUMN_TYPE.time],
  [MYSQL_TYPE.dateTime, COLUMN_TYPE.dateTime],
  [14, COLUMN_TYPE.date],
  // bit, geometry
  [16, COLUMN_TYPE.bytes],
  [255, COLUMN_TYPE.bytes],
  [245, COLUMN_TYPE.json],
  [246, COLUMN_TYPE.numeric],
  [247, COLUMN_TYPE.enum],
])

const INT = 3

/** The type of a column, for Prisma to make its values of. */
export function columnTypeOf({
  columnType,
  flags,
  characterSet,
  extendedFormat,
}: MysqlField): ColumnType {
  if (extendedFormat === 'json') return COLUMN_TYPE.json
  if (columnType === INT) return flags & UNSIGNED ? COLUMN_TYPE.int64 : COLUMN_TYPE.int32
  const plain = PLAIN.get(columnType)
  if (plain !== undefined) return plain
  if (flags & ENUM) return COLUMN_TYPE.enum
  return characterSet === BINARY_COLLATION ? COLUMN_TYPE.bytes : COLUMN_TYPE.text
}
