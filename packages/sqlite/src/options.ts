import { InvalidOptionError, type ManagerOptions } from '@connmgr/core'
import { invalidOption, optionNames, type PackageOptions } from '@connmgr/core/driver'
import type { SqliteLibrary } from './bindings/binding.js'
import type { IntMode } from './client/types.js'
import type { SqliteConnection } from './connection.js'
import type { JournalMode, Synchronous } from './endpoint.js'
import { FOREIGN_TO_SQLITE } from './foreign-options.js'
import { type Location, locate } from './location/location.js'

/** Options of the engine that have no sense for a file: its sizes are given, and there is nothing to fail over to. */
type SizeOptions =
  | 'poolSize'
  | 'maxOverflow'
  | 'minIdle'
  | 'poolMode'
  | 'failover'
  | 'topology'
  | 'connectConcurrency'
  | 'rampMs'

/** Options of `createConnectionManager`: where the database is, and what of `ManagerOptions` applies to a file. */
export interface SqliteManagerOptions extends Omit<ManagerOptions<SqliteConnection>, SizeOptions> {
  /**
   * The database as a URL, as `file:app.db`, `file:///var/lib/app.db` or `sqlite:app.db`; paths are taken as well.
   * `@default` DATABASE_URL
   */
  readonly databaseUrl?: string
  /**
   * The database as a path, instead of `databaseUrl`. `:memory:` is a database in memory, and the empty text one in a file
   * without a name: both live as long as the manager, and one connection has them for itself.
   */
  readonly filename?: string
  /**
   * Connections that only read, at the most. They are opened when they are needed. As SQLite is synchronous they make
   * nothing faster; they let reads go on while a transaction holds the writer, and while others read a snapshot. 0 has
   * reads wait for the writer like all others. `@default` 4
   */
  readonly readers?: number
  /** `@default` the first that is installed of better-sqlite3, node:sqlite, libsql */
  readonly library?: SqliteLibrary
  /** Opens the database for reading alone. It is not created. `@default` false */
  readonly readOnly?: boolean
  /**
   * How long a statement, a BEGIN or a COMMIT waits for a lock that another process holds. The event loop goes on
   * meanwhile, and callers are served in their order. `@default` acquireTimeoutMs, else 30_000
   */
  readonly busyTimeoutMs?: number
  /**
   * `wal` lets readers and the writer go on beside each other, and is kept in the file. Set another one on a file system
   * without shared memory, as a network's. `@default` 'wal'
   */
  readonly journalMode?: JournalMode
  /**
   * `full` has each commit on the disk before it is acknowledged, so that no loss of power undoes it. In WAL mode
   * `normal`, which better-sqlite3 sets by itself, is faster, and may lose the latest commits in such a case, but in none
   * in which only the process ends. `@default` 'full'
   */
  readonly synchronous?: Synchronous
  /** Pragmas to set on each connection, such as `{ cache_size: -64_000 }`. Foreign keys are on unless set here: all libraries have it so. */
  readonly pragmas?: Readonly<Record<string, string | number | boolean>>
  /** How `pool` and `replica` read integers. `@default` 'number', which fails beyond 2^53 */
  readonly intMode?: IntMode
  /**
   * Size of the write-ahead log from which it is looked at: it is checkpointed, and if something keeps that from shrinking
   * it, `walPinned` says who. SQLite begins to overwrite its log at 4 MB. `@default` 67_108_864
   */
  readonly walLimitBytes?: number
}

/** The names of the options that only a manager of a file has. */
export const OWN_OPTIONS: readonly (keyof SqliteManagerOptions)[] = [
  'databaseUrl',
  'filename',
  'readers',
  'library',
  'readOnly',
  'busyTimeoutMs',
  'journalMode',
  'synchronous',
  'pragmas',
  'intMode',
  'walLimitBytes',
]

const READERS_ADVICE = 'left out: a file has one writer; "readers" is how many connections may read'
const ALONE_ADVICE = 'left out: a file has one writer, and nothing to fail over to'

/** Options of every manager that make no sense for a file, each with the advice for callers who set it. */
const WITHOUT: Readonly<Record<SizeOptions, string>> = {
  poolSize: READERS_ADVICE,
  maxOverflow: READERS_ADVICE,
  minIdle: READERS_ADVICE,
  poolMode: ALONE_ADVICE,
  failover: ALONE_ADVICE,
  topology: ALONE_ADVICE,
  connectConcurrency: ALONE_ADVICE,
  rampMs: ALONE_ADVICE,
}

/** For the check of the options. */
export const SQLITE_OPTIONS: PackageOptions = {
  package: '@connmgr/sqlite',
  own: OWN_OPTIONS,
  without: WITHOUT,
  foreign: FOREIGN_TO_SQLITE,
}

/** The names of all options of `createConnectionManager`. */
export const SQLITE_OPTION_NAMES: readonly string[] = optionNames(SQLITE_OPTIONS)

/** Our options, resolved. */
export interface ResolvedSqliteOptions {
  readonly location: Location
  readonly readers: number
  readonly readOnly: boolean
  readonly busyTimeoutMs: number
  readonly journalMode: JournalMode
  readonly synchronous: Synchronous
  readonly pragmas: Readonly<Record<string, string | number | boolean>>
  readonly intMode: IntMode
  readonly walLimitBytes: number
}

const JOURNAL_MODES: readonly JournalMode[] = [
  'wal',
  'delete',
  'truncate',
  'persist',
  'memory',
  'off',
]
const SYNCHRONOUS: readonly Synchronous[] = ['off', 'normal', 'full', 'extra']
const INT_MODES: readonly IntMode[] = ['number', 'bigint', 'string']
const DEFAULT_BUSY_TIMEOUT_MS = 30_000
const DEFAULT_WAL_LIMIT_BYTES = 64 * 1024 * 1024
const MOST_READERS = 1000

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
export function resolveOptions(options: SqliteManagerOptions): ResolvedSqliteOptions {
  const location = locationOf(options)
  const readOnly = choice('readOnly', options.readOnly, [true, false], location.readOnly)
  if (readOnly && !location.isFile)
    throw invalidOption(
      'readOnly',
      readOnly,
      `false for a ${location.id === ':memory:' ? 'database in memory' : 'temporary database'}`,
    )
  return {
    location,
    readers: count('readers', options.readers, 4, MOST_READERS),
    readOnly,
    busyTimeoutMs: count(
      'busyTimeoutMs',
      options.busyTimeoutMs,
      options.acquireTimeoutMs ?? DEFAULT_BUSY_TIMEOUT_MS,
      2 ** 31 - 1,
    ),
    journalMode: choice('journalMode', options.journalMode, JOURNAL_MODES, 'wal'),
    synchronous: choice('synchronous', options.synchronous, SYNCHRONOUS, 'full'),
    pragmas: pragmasOf(options.pragmas),
    intMode: choice('intMode', options.intMode, INT_MODES, 'number'),
    walLimitBytes: count(
      'walLimitBytes',
      options.walLimitBytes,
      DEFAULT_WAL_LIMIT_BYTES,
      Number.MAX_SAFE_INTEGER,
    ),
  }
}

function locationOf({ databaseUrl, filename }: SqliteManagerOptions): Location {
  if (databaseUrl !== undefined && filename !== undefined)
    throw invalidOption('filename', filename, 'left out beside "databaseUrl"')
  if (filename !== undefined) return locate(filename, 'filename')
  const url = databaseUrl ?? process.env.DATABASE_URL
  if (url === undefined || url.trim() === '')
    throw invalidOption('filename', filename, 'the path of a database, or DATABASE_URL must be set')
  return locate(url, databaseUrl === undefined ? 'DATABASE_URL' : 'databaseUrl')
}

function pragmasOf(given: SqliteManagerOptions['pragmas'] = {}): ResolvedSqliteOptions['pragmas'] {
  for (const [name, value] of Object.entries(given)) {
    const known = /^[a-z_]+$/i.test(name)
    const plain = typeof value !== 'string' || /^-?[\w.]+$/.test(value)
    if (known && plain && ['string', 'number', 'boolean'].includes(typeof value)) continue
    // The value may be a key.
    throw new InvalidOptionError(
      'pragmas',
      `option "pragmas.${name}" must be a pragma with a plain value: a word, a number or a boolean`,
    )
  }
  return given
}

function choice<T>(option: string, given: T | undefined, choices: readonly T[], fallback: T): T {
  if (given === undefined) return fallback
  if (choices.includes(given)) return given
  throw invalidOption(
    option,
    given,
    `one of ${choices.map((each) => JSON.stringify(each)).join(', ')}`,
  )
}

function count(option: string, given: unknown, fallback: number, most: number): number {
  if (given === undefined) return fallback
  if (typeof given === 'number' && Number.isInteger(given) && given >= 0 && given <= most)
    return given
  throw invalidOption(option, given, `a whole number from 0 to ${most}`)
}
