import { existsSync } from 'node:fs'
import path from 'node:path'
import type { Binding, BoundDatabase } from './bindings/binding.js'
import { PLAIN_ROWS } from './bindings/binding.js'
import type { SqliteEndpointConfig } from './endpoint.js'
import { DatabaseOpenError, openError } from './errors.js'
import { isLocked } from './locks/lock-wait.js'
import { SQLITE_CANTOPEN } from './result-codes.js'

/**
 * Opens a database and sets the connection up. Fails with SQLite's own error if it is locked, and with a
 * {@link DatabaseOpenError} otherwise.
 *
 * @param mayCreate whether a file that does not exist is created
 */
export function openDatabase(
  binding: Binding,
  config: SqliteEndpointConfig,
  mayCreate: boolean,
): BoundDatabase {
  const { location } = config
  if (location.isFile) requireFile(location.path, location.id, mayCreate)
  // A reader that comes before the writer cannot create the file.
  if (config.readOnly && location.isFile && !existsSync(location.path))
    setUp(binding, { ...config, readOnly: false }).close()
  return setUp(binding, config)
}

function requireFile(file: string, id: string, mayCreate: boolean): void {
  if (!existsSync(path.dirname(file)))
    throw new DatabaseOpenError(
      `cannot open ${id}: the directory ${path.dirname(file)} does not exist`,
      SQLITE_CANTOPEN,
      'unreachable',
    )
  if (!mayCreate && !existsSync(file))
    throw new DatabaseOpenError(
      `cannot open ${id}: there is no such file`,
      SQLITE_CANTOPEN,
      'unreachable',
    )
}

function setUp(binding: Binding, config: SqliteEndpointConfig): BoundDatabase {
  const { location, readOnly } = config
  let database: BoundDatabase | undefined
  try {
    database = binding.open(location.path, { readOnly })
    prepareConnection(database, config)
    return database
  } catch (error) {
    database?.close()
    if (isLocked(error) || error instanceof DatabaseOpenError) throw error
    throw openError(location.id, error)
  }
}

function prepareConnection(database: BoundDatabase, config: SqliteEndpointConfig): void {
  const { location, readOnly, journalMode, synchronous, pragmas } = config
  // Waiting is ours: SQLite would do it in the middle of a call, with the event loop frozen.
  database.exec('PRAGMA busy_timeout = 0')
  // Also reads the file for the first time, so that one that is no database is noticed here.
  const present = modeOf(database)
  if (location.isFile && !readOnly && journalMode !== undefined && present !== journalMode) {
    const now = modeOf(database, ` = ${journalMode}`)
    if (now !== journalMode)
      throw new DatabaseOpenError(
        `cannot open ${location.id}: its journal mode stays "${now}" where "${journalMode}" is asked for, as on a file ` +
          'system without shared memory; set the option journalMode',
        SQLITE_CANTOPEN,
        'setup',
      )
  }
  if (synchronous !== undefined) database.exec(`PRAGMA synchronous = ${synchronous}`)
  for (const [name, value] of Object.entries(pragmas)) database.exec(`PRAGMA ${name} = ${value}`)
  if (readOnly) database.exec('PRAGMA query_only = 1')
}

function modeOf(database: BoundDatabase, change = ''): string {
  const row = database.prepare(`PRAGMA journal_mode${change}`, PLAIN_ROWS).get([])
  return (row as { journal_mode: string }).journal_mode
}
