import { CALL_RULES, checkCall, ISOLATION_LEVELS } from '@connmgr/core/driver'
import {
  createConnectionManager,
  type ManagedPool,
  PgConnectionManager,
  type PgManagerOptions,
} from '@connmgr/pg'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { type PgTransactionConfig, withReplicas } from 'drizzle-orm/pg-core'
import { type Binding, openDatabase } from './binding.js'
import type { DrizzleSchema, NoSchema } from './drizzle-types.js'
import type { DatabaseConfig, ManagedDatabase, ManagedReplicatedDatabase } from './pg-types.js'
import { makeTransactionsSound } from './sound-transactions.js'

type Config = DatabaseConfig<DrizzleSchema>

const TRANSACTION = {
  isolationLevel: CALL_RULES.oneOf(...ISOLATION_LEVELS),
  accessMode: CALL_RULES.oneOf('read only', 'read write'),
}

const POSTGRES: Binding<ManagedPool, PgConnectionManager, PgManagerOptions, Config> = {
  isManager: (given) => given instanceof PgConnectionManager,
  createManager: createConnectionManager,
  withReplicas: (primary, replica) =>
    withReplicas(primary as NodePgDatabase, [replica as NodePgDatabase]),
  open: (pool, config) => {
    const db = drizzle({ ...config, client: pool })
    makeTransactionsSound(db, {
      borrow: async (below) => {
        const client = await pool.connectFor(below)
        return { client, release: () => client.release() }
      },
      sends: ['query'],
      checkConfig: ({ isolationLevel, accessMode }: PgTransactionConfig = {}) =>
        checkCall('transaction', { isolationLevel, accessMode }, TRANSACTION),
    })
    return db
  },
}

/**
 * A drizzle database over PostgreSQL whose connections connmgr manages. MySQL and MariaDB are in
 * `@connmgr/drizzle/mysql`, SQLite is in `@connmgr/drizzle/sqlite`.
 *
 * @param config what `drizzle()` takes (`schema`, or `relations` with drizzle-orm 1.0; `logger`, `casing`, `cache`), and
 * `replicas: true` to read from standbys while there are any fit to read from, as drizzle's `withReplicas` does: with
 * drizzle-orm 0.x selects and relational queries run there, and `$primary` reads what was just written; with 1.0 they
 * run on the primary, and `$replica` reads from standbys, which may lag behind writes.
 * @param manager options of a manager of its own, or one that others use too
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * const db = withConnectionManager({ schema }, { databaseUrl, failoverUrls })
 * const users = await db.query.users.findMany()
 * console.log(db.$connections.getPoolMetrics())
 */
export function withConnectionManager<TSchema extends DrizzleSchema = NoSchema>(
  config: DatabaseConfig<TSchema> & { readonly replicas: true },
  manager?: PgManagerOptions | PgConnectionManager,
): ManagedReplicatedDatabase<TSchema>
export function withConnectionManager<TSchema extends DrizzleSchema = NoSchema>(
  config?: DatabaseConfig<TSchema> & { readonly replicas?: false },
  manager?: PgManagerOptions | PgConnectionManager,
): ManagedDatabase<TSchema>
export function withConnectionManager(
  config: Config & { readonly replicas?: boolean } = {},
  manager: PgManagerOptions | PgConnectionManager = {},
): unknown {
  return openDatabase(POSTGRES, config, manager)
}
