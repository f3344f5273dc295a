import type { FieldPacket } from 'mysql2'

/** Types of columns by their number in the protocol, as the mariadb connector calls them. */
const TYPES: Readonly<Record<number, string>> = {
  0: 'DECIMAL',
  1: 'TINY',
  2: 'SHORT',
  3: 'INT',
  4: 'FLOAT',
  5: 'DOUBLE',
  6: 'NULL',
  7: 'TIMESTAMP',
  8: 'BIGINT',
  9: 'INT24',
  10: 'DATE',
  11: 'TIME',
  12: 'DATETIME',
  13: 'YEAR',
  14: 'NEWDATE',
  15: 'VARCHAR',
  16: 'BIT',
  17: 'TIMESTAMP2',
  18: 'DATETIME2',
  19: 'TIME2',
  245: 'JSON',
  246: 'NEWDECIMAL',
  247: 'ENUM',
  248: 'SET',
  249: 'TINY_BLOB',
  250: 'MEDIUM_BLOB',
  251: 'LONG_BLOB',
  252: 'BLOB',
  253: 'VAR_STRING',
  254: 'STRING',
  255: 'GEOMETRY',
}

/** A column of a result, as the mariadb connector describes it. */
export interface MariadbColumn {
  readonly type: string | undefined
  readonly columnType: number
  readonly columnLength: number
  readonly flags: number
  readonly collation: { readonly index: number }
  /** `json` for what MariaDB keeps as text. */
  readonly dataTypeFormat: string | undefined
  readonly dataTypeName: string | undefined
  name(): string
  orgName(): string
  table(): string
  orgTable(): string
  schema(): string
  db(): string
}

/** What mysql2 has of a column, of which its declarations leave out a part. */
type Field = FieldPacket & {
  readonly columnType?: number
  readonly columnLength?: number
  readonly characterSet?: number
  readonly schema?: string
  readonly extendedFormat?: string
  readonly extendedTypeName?: string
}

export function columnOf(given: FieldPacket): MariadbColumn {
  const field = given as Field
  const columnType = field.columnType ?? 253
  const schema = field.schema ?? ''
  return {
    type: TYPES[columnType],
    columnType,
    columnLength: field.columnLength ?? 0,
    flags: Number(field.flags ?? 0),
    collation: { index: field.characterSet ?? 0 },
    dataTypeFormat: field.extendedFormat,
    dataTypeName: field.extendedTypeName,
    name: () => field.name,
    orgName: () => field.orgName,
    table: () => field.table,
    orgTable: () => field.orgTable,
    schema: () => schema,
    db: () => schema,
  }
}
