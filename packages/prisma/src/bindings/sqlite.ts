import { invalidOption } from '@connmgr/core/driver'
import {
  createConnectionManager,
  ManagedPool,
  SqliteConnectionManager,
  type SqliteManagerOptions,
} from '@connmgr/sqlite'
import {
  type PrismaSqliteOptions,
  SQLITE_ADAPTER_NAME,
  SqliteAdapter,
} from '../sqlite/sqlite-adapter.js'
import type { Binding } from './binding.js'

const TIMESTAMP_FORMATS: readonly unknown[] = [undefined, 'iso8601', 'unixepoch-ms']

/** SQLite: an adapter of ours, as those of Prisma open databases by themselves and take none that is open. */
export const sqlite: Binding<SqliteConnectionManager, SqliteManagerOptions, PrismaSqliteOptions> = {
  provider: 'sqlite',
  adapterName: SQLITE_ADAPTER_NAME,

  isManager: (manager): manager is SqliteConnectionManager =>
    manager instanceof SqliteConnectionManager,

  isFor: (options, url = '') =>
    'filename' in options || /^(?:(?:file|sqlite3?):|:memory:$)/i.test(url.trim()),

  createManager: createConnectionManager,

  check({ intMode }, { timestampFormat }) {
    if (!TIMESTAMP_FORMATS.includes(timestampFormat))
      throw invalidOption('timestampFormat', timestampFormat, "one of 'iso8601', 'unixepoch-ms'")
    if (intMode === 'string')
      throw invalidOption('intMode', intMode, "'number' or 'bigint' for a manager under Prisma")
  },

  async connect(manager, options) {
    // Prisma's adapter for libSQL reads numbers by default; the one for better-sqlite3 reads `bigint`s,
    // and so do we wherever libsql is not the library.
    const intMode = manager.library === 'libsql' ? manager.intMode : 'bigint'
    return new SqliteAdapter(ManagedPool.of(manager, 'primary', intMode), options)
  },
}
