import type { LibsqlInValue, LibsqlValue } from '@connmgr/sqlite'
import { COLUMN_TYPE, type ColumnType, type SqlArgType } from '../bindings/driver-adapter.js'

/** How `DateTime`s are stored: as texts, or as milliseconds since 1970. */
export type TimestampFormat = 'iso8601' | 'unixepoch-ms'

/** A value of Prisma, as SQLite stores it. */
export function toSqlite(
  value: unknown,
  { scalarType }: SqlArgType,
  format: TimestampFormat,
): LibsqlInValue {
  if (value instanceof Date) return timestamp(value, format)
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value !== 'string') return value as LibsqlInValue
  switch (scalarType) {
    case 'int':
      return Number.parseInt(value, 10)
    case 'float':
    case 'decimal':
      return Number.parseFloat(value)
    case 'bigint':
      return BigInt(value)
    case 'datetime':
      return timestamp(new Date(value), format)
    case 'bytes':
      return Buffer.from(value, 'base64')
    default:
      return value
  }
}

function timestamp(date: Date, format: TimestampFormat): LibsqlInValue {
  // Texts with this offset sort beside those that Prisma has written so far.
  return format === 'iso8601' ? date.toISOString().replace('Z', '+00:00') : date.getTime()
}

/** A value of SQLite, as Prisma's engine takes it for a column of a type. */
export function fromSqlite(value: LibsqlValue, type: ColumnType): unknown {
  switch (typeof value) {
    case 'number':
      if (type === COLUMN_TYPE.dateTime) return new Date(value).toISOString()
      return isInteger(type) ? Math.trunc(value) : value
    case 'bigint': {
      const number = Number(value)
      if (type === COLUMN_TYPE.dateTime) return new Date(number).toISOString()
      return Number.isSafeInteger(number) ? number : String(value)
    }
    default:
      return value instanceof ArrayBuffer ? new Uint8Array(value) : value
  }
}

function isInteger(type: ColumnType): boolean {
  return type === COLUMN_TYPE.int32 || type === COLUMN_TYPE.int64
}
