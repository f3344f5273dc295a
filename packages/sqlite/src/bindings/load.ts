import { createRequire } from 'node:module'
import { invalidOption, isError } from '@connmgr/core/driver'
import { type BetterSqlite3, betterSqlite3 } from './better-sqlite3.js'
import type { Binding, SqliteLibrary } from './binding.js'
import { type Libsql, libsql } from './libsql.js'
import { type NodeSqlite, nodeSqlite } from './node-sqlite.js'

/**
 * The order in which libraries are looked for. better-sqlite3 is first: who has installed it wants it, and its SQLite is
 * the newest. node:sqlite follows, as it comes with Node and needs no add-on. libsql is last: it often lies in
 * node_modules for the sake of another package, its SQLite is a fork of 3.45, and it frees the files of a closed
 * database only when its statements are garbage.
 */
export const LIBRARIES: readonly SqliteLibrary[] = ['better-sqlite3', 'node:sqlite', 'libsql']

const load = createRequire(__filename)

/**
 * The binding of a library.
 *
 * @param wanted `@default` the first of {@link LIBRARIES} that can be loaded
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION` if it cannot be loaded, with the library's own error as the cause
 */
export function bindingOf(wanted?: SqliteLibrary): Binding {
  if (wanted !== undefined) {
    if (!LIBRARIES.includes(wanted))
      throw invalidOption(
        'library',
        wanted,
        `one of ${LIBRARIES.map((each) => `'${each}'`).join(', ')}`,
      )
    return bind(wanted, (cause) => notLoaded(wanted, cause))
  }
  const failures: string[] = []
  for (const library of LIBRARIES) {
    try {
      return bind(library, (cause) => cause)
    } catch (cause) {
      failures.push(`${library}: ${firstLine(cause)}`)
    }
  }
  throw notLoaded(undefined, new Error(failures.join('; ')))
}

/** True if a library can be loaded here. */
export function isInstalled(library: SqliteLibrary): boolean {
  try {
    bind(library, (cause) => cause)
    return true
  } catch {
    return false
  }
}

function bind(library: SqliteLibrary, failure: (cause: unknown) => unknown): Binding {
  try {
    switch (library) {
      case 'better-sqlite3': {
        const Database = load('better-sqlite3') as BetterSqlite3
        // Only this loads its add-on, which may have failed to build.
        new Database(':memory:', { readonly: false, timeout: 0 }).close()
        return betterSqlite3(Database)
      }
      case 'libsql':
        return libsql(load('libsql') as Libsql)
      case 'node:sqlite':
        return nodeSqlite(load('node:sqlite') as NodeSqlite)
    }
  } catch (cause) {
    throw failure(cause)
  }
}

function notLoaded(library: SqliteLibrary | undefined, cause: unknown): Error {
  const fix =
    library === 'node:sqlite'
      ? 'a Node.js of 22.13 or later'
      : `an installed library: npm install ${library ?? 'better-sqlite3'}`
  const error = invalidOption('library', library, fix)
  Object.defineProperty(error, 'cause', { value: cause, configurable: true })
  error.message += ` (${firstLine(cause)})`
  return error
}

function firstLine(cause: unknown): string {
  return String(isError(cause) ? cause.message : cause).split('\n')[0] as string
}
