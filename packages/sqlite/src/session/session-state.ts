import { type BoundDatabase, PLAIN_ROWS } from '../bindings/binding.js'

/** Settings of a connection that a pragma changes, and that it can be asked for. */
const PRAGMAS = [
  'automatic_index',
  'busy_timeout',
  'cache_size',
  'cell_size_check',
  'defer_foreign_keys',
  'foreign_keys',
  'ignore_check_constraints',
  'legacy_alter_table',
  'query_only',
  'read_uncommitted',
  'recursive_triggers',
  'reverse_unordered_selects',
  'synchronous',
  'temp_store',
  'trusted_schema',
  'wal_autocheckpoint',
  'writable_schema',
] as const

/** How a connection was set. */
export type PragmaSnapshot = ReadonlyMap<string, number | string>

/** Reads the settings of a connection. */
export function snapshotOf(database: BoundDatabase): PragmaSnapshot {
  const settings = new Map<string, number | string>()
  for (const name of PRAGMAS) {
    const row = database.prepare(`PRAGMA ${name}`, PLAIN_ROWS).get([])
    const [value] = Object.values((row ?? {}) as Record<string, unknown>)
    if (typeof value === 'number' || typeof value === 'string') settings.set(name, value)
  }
  return settings
}

/**
 * Puts a database that lives in memory back to a snapshot: it cannot be opened anew without losing what it holds.
 * Functions that were registered by way of `native` stay.
 */
export function restoreMemory(database: BoundDatabase, snapshot: PragmaSnapshot): void {
  for (const { name } of rows<{ name: string }>(database, 'PRAGMA database_list'))
    if (name !== 'main' && name !== 'temp') database.exec(`DETACH DATABASE ${quoted(name)}`)
  // `temp_store` cannot be changed while there are temporary tables.
  for (const { type, name } of rows<{ type: string; name: string }>(
    database,
    "SELECT type, name FROM temp.sqlite_master WHERE type IN ('table', 'view', 'trigger') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
  ))
    database.exec(`DROP ${type} IF EXISTS temp.${quoted(name)}`)
  for (const [name, value] of snapshot) database.exec(`PRAGMA ${name} = ${value}`)
}

function rows<R>(database: BoundDatabase, sql: string): R[] {
  return database.prepare(sql, PLAIN_ROWS).all([]) as R[]
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
