import type { Opened } from './opened.js'

/**
 * Opens an SQLite file for reading alone. It is not created, and stays as it is.
 *
 * @param location its URL or path
 */
export async function openSqlite(location: string, busyTimeoutMs: number): Promise<Opened> {
  const { createConnectionManager } = await import('@connmgr/sqlite')
  const manager = createConnectionManager({
    databaseUrl: location,
    readOnly: true,
    busyTimeoutMs,
    acquireTimeoutMs: busyTimeoutMs,
    healthMonitoring: false,
    leakDetection: false,
    logger: false,
  })
  const close = (): Promise<void> => manager.close({ drainTimeoutMs: 0 })
  try {
    await manager.use((database) => database.get('select 1'))
  } catch (error) {
    await close()
    throw error
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
