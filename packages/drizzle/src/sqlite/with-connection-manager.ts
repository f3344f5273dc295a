import {
  createConnectionManager,
  type ManagedPool,
  SqliteConnectionManager,
  type SqliteManagerOptions,
} from '@connmgr/sqlite'
import type { Client } from '@libsql/client'
import { drizzle, type LibSQLDatabase } from 'drizzle-orm/libsql'
import { withReplicas } from 'drizzle-orm/sqlite-core'
import { type Binding, openDatabase } from '../binding.js'
import type { DrizzleSchema, NoSchema } from '../drizzle-types.js'
import type { DatabaseConfig, ManagedDatabase, ManagedReplicatedDatabase } from './sqlite-types.js'

type Config = DatabaseConfig<DrizzleSchema>

/** Transactions need no more here: the pool lends for them, and rolls back and releases whatever fails. */
const SQLITE: Binding<ManagedPool, SqliteConnectionManager, SqliteManagerOptions, Config> = {
  isManager: (given) => given instanceof SqliteConnectionManager,
  createManager: createConnectionManager,
  withReplicas: (primary, replica) =>
    withReplicas(primary as LibSQLDatabase, [replica as LibSQLDatabase]),
  open: (pool, config) => drizzle({ ...config, client: pool as unknown as Client }),
}

/**
 * A drizzle database over an SQLite file whose connections connmgr manages: one that writes, lent to one caller at a time,
 * and some that read. It is drizzle's asynchronous database (`drizzle-orm/libsql`), over better-sqlite3, libsql or
 * node:sqlite, whichever the manager uses: the session of `drizzle-orm/better-sqlite3` is synchronous, and could not wait
 * for the writer.
 *
 * @param config what `drizzle()` takes (`schema`, or `relations` with drizzle-orm 1.0; `logger`, `casing`, `cache`), and
 * `replicas: true` for `$primary` and `$replicas` as on other databases. Reads use the readers without it, too.
 * @param manager options of a manager of its own, or one that others use too
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * const db = withConnectionManager({ schema }, { filename: 'app.db' })
 * const users = await db.query.users.findMany()
 */
export function withConnectionManager<TSchema extends DrizzleSchema = NoSchema>(
  config: DatabaseConfig<TSchema> & { readonly replicas: true },
  manager?: SqliteManagerOptions | SqliteConnectionManager,
): ManagedReplicatedDatabase<TSchema>
export function withConnectionManager<TSchema extends DrizzleSchema = NoSchema>(
  config?: DatabaseConfig<TSchema> & { readonly replicas?: false },
  manager?: SqliteManagerOptions | SqliteConnectionManager,
): ManagedDatabase<TSchema>
export function withConnectionManager(
  config: Config & { readonly replicas?: boolean } = {},
  manager: SqliteManagerOptions | SqliteConnectionManager = {},
): unknown {
  return openDatabase(SQLITE, config, manager)
}
