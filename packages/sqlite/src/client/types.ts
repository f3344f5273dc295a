/** The types of libSQL's client, as far as a local database has use for them. Structural: nothing is imported. */

export type LibsqlValue = null | string | number | bigint | ArrayBuffer
export type LibsqlInValue = LibsqlValue | boolean | Uint8Array | Date
export type LibsqlInArgs = LibsqlInValue[] | Record<string, LibsqlInValue>
export type LibsqlInStatement = { sql: string; args?: LibsqlInArgs } | string
/** How integers are read: as numbers, which fails beyond 2^53, as `bigint`s, or as text. */
export type IntMode = 'number' | 'bigint' | 'string'
export type LibsqlTransactionMode = 'write' | 'read' | 'deferred'

/** One row: its values by index and by the names of their columns. */
export interface LibsqlRow {
  length: number
  [index: number]: LibsqlValue
  [name: string]: LibsqlValue
}

/** What a statement has come to. */
export interface LibsqlResultSet {
  columns: string[]
  /** The types that the table declares; empty texts for expressions. */
  columnTypes: string[]
  rows: LibsqlRow[]
  /** 0 for a statement that returns rows, as with libSQL's own client. */
  rowsAffected: number
  lastInsertRowid: bigint | undefined
  // biome-ignore lint/suspicious/noExplicitAny: the type of libSQL's client
  toJSON(): any
}
