/** Primary result codes of SQLite, https://www.sqlite.org/rescode.html */
const PRIMARY: readonly string[] = [
  'SQLITE_OK',
  'SQLITE_ERROR',
  'SQLITE_INTERNAL',
  'SQLITE_PERM',
  'SQLITE_ABORT',
  'SQLITE_BUSY',
  'SQLITE_LOCKED',
  'SQLITE_NOMEM',
  'SQLITE_READONLY',
  'SQLITE_INTERRUPT',
  'SQLITE_IOERR',
  'SQLITE_CORRUPT',
  'SQLITE_NOTFOUND',
  'SQLITE_FULL',
  'SQLITE_CANTOPEN',
  'SQLITE_PROTOCOL',
  'SQLITE_EMPTY',
  'SQLITE_SCHEMA',
  'SQLITE_TOOBIG',
  'SQLITE_CONSTRAINT',
  'SQLITE_MISMATCH',
  'SQLITE_MISUSE',
  'SQLITE_NOLFS',
  'SQLITE_AUTH',
  'SQLITE_FORMAT',
  'SQLITE_RANGE',
  'SQLITE_NOTADB',
  'SQLITE_NOTICE',
  'SQLITE_WARNING',
]

export const SQLITE_BUSY = 5
export const SQLITE_READONLY = 8
export const SQLITE_IOERR = 10
export const SQLITE_CANTOPEN = 14
export const SQLITE_PROTOCOL = 15
export const SQLITE_NOTADB = 26
export const SQLITE_BUSY_RECOVERY = 261
const SQLITE_BUSY_SNAPSHOT = 517
/** The file was renamed or deleted since it was opened. */
export const SQLITE_READONLY_DBMOVED = 1032

/** Extended codes, by the names that better-sqlite3 gives them. */
const EXTENDED: ReadonlyMap<string, number> = new Map([
  ['SQLITE_BUSY_RECOVERY', SQLITE_BUSY_RECOVERY],
  ['SQLITE_BUSY_SNAPSHOT', SQLITE_BUSY_SNAPSHOT],
  ['SQLITE_BUSY_TIMEOUT', 773],
  ['SQLITE_READONLY_DBMOVED', SQLITE_READONLY_DBMOVED],
  ['SQLITE_CONSTRAINT_CHECK', 275],
  ['SQLITE_CONSTRAINT_COMMITHOOK', 531],
  ['SQLITE_CONSTRAINT_FOREIGNKEY', 787],
  ['SQLITE_CONSTRAINT_FUNCTION', 1043],
  ['SQLITE_CONSTRAINT_NOTNULL', 1299],
  ['SQLITE_CONSTRAINT_PRIMARYKEY', 1555],
  ['SQLITE_CONSTRAINT_TRIGGER', 1811],
  ['SQLITE_CONSTRAINT_UNIQUE', 2067],
  ['SQLITE_CONSTRAINT_VTAB', 2323],
  ['SQLITE_CONSTRAINT_ROWID', 2579],
  ['SQLITE_CONSTRAINT_PINNED', 2835],
  ['SQLITE_CONSTRAINT_DATATYPE', 3091],
])

const NAMES: ReadonlyMap<number, string> = new Map(
  [...EXTENDED].map(([name, code]) => [code, name]),
)

/** The extended result code that an error of any of the libraries carries; undefined if it is no error of SQLite. */
export function resultCodeOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { errcode, rawCode, code, message } = error as Record<string, unknown>
  // node:sqlite
  if (typeof errcode === 'number') return errcode
  // libsql
  if (typeof rawCode === 'number' && rawCode > 0) return rawCode
  if (typeof code === 'string' && code.startsWith('SQLITE_')) return codeOf(code)
  // libsql, of a database that it could not open.
  const failed = typeof message === 'string' && /^ConnectionFailed\(.*: (\d+)"?\)$/s.exec(message)
  return failed ? Number(failed[1]) : undefined
}

function codeOf(name: string): number | undefined {
  const known = EXTENDED.get(name)
  if (known !== undefined) return known
  const index = PRIMARY.findIndex((each) => name === each || name.startsWith(`${each}_`))
  return index > 0 ? index : undefined
}

/** @returns the code without what extends it: 5 for 517 */
export function primaryOf(code: number): number {
  return code & 0xff
}

/** The name of a code, as `SQLITE_BUSY_SNAPSHOT`; of an extended one without a name here the primary one's. */
export function codeName(code: number): string {
  return NAMES.get(code) ?? PRIMARY[primaryOf(code)] ?? `SQLITE_UNKNOWN_${code}`
}
