import type { SqlArgType } from '../bindings/driver-adapter.js'
import { MYSQL_TYPE, type MysqlField } from './columns.js'

/** A value of Prisma, as mysql2 sends it for a `?`. */
export function toMysql(value: unknown, { scalarType, dbType = '' }: SqlArgType): unknown {
  if (value instanceof Date) return timestamp(value, dbType)
  if (typeof value === 'string') {
    if (scalarType === 'bigint') return BigInt(value)
    if (scalarType === 'datetime') return timestamp(new Date(value), dbType)
    return scalarType === 'bytes' ? Buffer.from(value, 'base64') : value
  }
  if (ArrayBuffer.isView(value) && !Buffer.isBuffer(value))
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return value
}

/** In UTC, as Prisma has it in all databases. */
function timestamp(date: Date, dbType: string): string {
  const [day = '', time = ''] = date.toISOString().slice(0, -1).split('T')
  const clock = time.replace('.000', '')
  if (/^TIME2?$/.test(dbType)) return clock
  return /^(?:NEW)?DATE$/.test(dbType) ? day : `${day} ${clock}`
}

/** A value as it comes by {@link STATEMENT_OPTIONS}, as Prisma's engine takes it for its column. */
export function fromMysql(value: unknown, { columnType }: MysqlField): unknown {
  if (value === null) return null
  if (columnType === MYSQL_TYPE.timestamp || columnType === MYSQL_TYPE.dateTime)
    return new Date(`${value}Z`).toISOString().replace(/(?:\.000)?Z$/, '+00:00')
  return typeof value === 'bigint' ? String(value) : value
}

interface TypeCastField {
  readonly type: string
  readonly extendedFormat?: string | undefined
  string(encoding: string): string | null
  buffer(): Buffer | null
}

/** Has mysql2 read what Prisma reads by itself as it is, whatever its own options are. */
export const STATEMENT_OPTIONS = {
  rowsAsArray: true,
  dateStrings: true,
  supportBigNumbers: true,
  bigNumberStrings: true,
  decimalNumbers: false,
  typeCast(field: TypeCastField, next: () => unknown): unknown {
    if (field.type === 'JSON' || field.extendedFormat === 'json') return field.string('utf8')
    return field.type === 'GEOMETRY' ? field.buffer() : next()
  },
} as const
