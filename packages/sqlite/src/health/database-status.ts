import type { LeaseReport } from '@connmgr/core'
import type { SqliteLibrary } from '../bindings/binding.js'
import type { SqliteConnection } from '../connection.js'
import { walSizeOf } from '../location/file-identity.js'
import type { Location } from '../location/location.js'
import { type HeldLock, locksOn, programOf } from '../locks/lock-holders.js'

/** A process that holds a lock on the database. */
export interface LockingProcess {
  readonly pid: number
  /** `node worker.js`; undefined if it cannot be read. */
  readonly program: string | undefined
  readonly lock: HeldLock['kind']
}

/** What {@link SqliteConnectionManager.getDatabaseStatus} tells. Sizes are in bytes. */
export interface DatabaseStatus {
  /** Its path, or `:memory:`. */
  readonly database: string
  readonly library: SqliteLibrary
  readonly sqliteVersion: string
  readonly journalMode: string
  readonly bytes: number
  /** Of which nothing is stored in; `VACUUM` gives them back. */
  readonly freeBytes: number
  /** Size of the write-ahead log; 0 if there is none. */
  readonly walBytes: number
  /** Who holds the writer, in this manager. */
  readonly writer: LeaseReport | undefined
  /** Who holds a snapshot, longest first: the log cannot shrink below what the oldest needs. */
  readonly snapshots: readonly LeaseReport[]
  /** Other processes that hold locks now. Linux alone tells them; empty elsewhere. */
  readonly processes: readonly LockingProcess[]
}

/** Reads how a database is. */
export async function statusOf(
  connection: SqliteConnection,
  location: Location,
  library: SqliteLibrary,
  holders: { readonly writers: readonly LeaseReport[]; readonly snapshots: readonly LeaseReport[] },
): Promise<DatabaseStatus> {
  const ask = async (sql: string): Promise<unknown> => {
    const row = await connection.get(sql)
    return Object.values(row ?? {})[0]
  }
  const pageSize = Number(await ask('PRAGMA page_size'))
  return {
    database: location.id,
    library,
    sqliteVersion: String(await ask('select sqlite_version()')),
    journalMode: String(await ask('PRAGMA journal_mode')),
    bytes: Number(await ask('PRAGMA page_count')) * pageSize,
    freeBytes: Number(await ask('PRAGMA freelist_count')) * pageSize,
    walBytes: location.isFile ? walSizeOf(location.path) : 0,
    writer: location.isFile ? holders.writers[0] : undefined,
    snapshots: holders.snapshots,
    processes: location.isFile ? processesOn(location.path) : [],
  }
}

/** Other processes that hold locks on a database. */
export function processesOn(path: string): LockingProcess[] {
  return locksOn(path)
    .filter(({ pid }) => pid !== process.pid)
    .map(({ pid, kind }) => ({ pid, program: programOf(pid), lock: kind }))
}
