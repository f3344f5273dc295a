import { InvalidOptionError } from '@connmgr/core'
import { messageOf } from '@connmgr/core/driver'
import type { SqliteConnectionManager, SqliteManagerOptions } from '@connmgr/sqlite'
import { UsageError } from '../exit-code.js'
import type { Opened } from './opened.js'

/**
 * Opens an SQLite file for reading alone. It is not created, and stays as it is.
 *
 * @param location its URL or path
 * @throws UsageError if the URL is wrong, or no library for SQLite is installed
 */
export async function openSqlite(location: string, busyTimeoutMs: number): Promise<Opened> {
  const manager = await makeManager({
    databaseUrl: location,
    readOnly: true,
    busyTimeoutMs,
    acquireTimeoutMs: busyTimeoutMs,
    healthMonitoring: false,
    leakDetection: false,
    logger: false,
  })
  const close = (): Promise<void> => manager.close({ drainTimeoutMs: 0 })
  // A manager opens again until the time is over, as a server may come back; of a file, the first failure says why.
  const failed = new AbortController()
  const unsubscribe = manager.on('connectionFailed', ({ error }) =>
    failed.abort(new Error(error.message)),
  )
  try {
    await manager.use((database) => database.get('select 1'), { signal: failed.signal })
  } catch (error) {
    await close()
    throw failed.signal.aborted ? failed.signal.reason : error
  } finally {
    unsubscribe()
  }
  return {
    query: (text) => manager.use((database) => database.all(text)),
    // A file has no server that could be a standby.
    role: async () => ({ role: 'primary', writable: true, missing: [] }),
    tls: undefined,
    close,
    destroy: () => void close(),
  }
}

async function makeManager(options: SqliteManagerOptions): Promise<SqliteConnectionManager> {
  const { createConnectionManager } = await import('@connmgr/sqlite')
  try {
    return createConnectionManager(options)
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error
    if (error.option !== 'library') throw new UsageError(messageOf(error))
    throw new UsageError(
      'SQLite needs Node 22.13 or later, or a library beside this program: npx -p better-sqlite3 -p @connmgr/cli connmgr …',
    )
  }
}
