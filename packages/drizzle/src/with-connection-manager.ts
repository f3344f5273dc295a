import {
  createConnectionManager,
  type ManagedPool,
  PgConnectionManager,
  type PgManagerOptions,
} from '@connmgr/pg'
import { drizzle } from 'drizzle-orm/node-postgres'
import { withReplicas } from 'drizzle-orm/pg-core'
import type {
  DatabaseConfig,
  DrizzleSchema,
  ManagedDatabase,
  ManagedReplicatedDatabase,
  NoSchema,
} from './drizzle-types.js'
import { makeTransactionsSound } from './sound-transactions.js'

/**
 * A drizzle database whose connections connmgr manages.
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
  config: DatabaseConfig<DrizzleSchema> & { readonly replicas?: boolean } = {},
  manager: PgManagerOptions | PgConnectionManager = {},
): unknown {
  if (manager instanceof PgConnectionManager) return databasesOn(manager, config)
  const connections = createConnectionManager(manager)
  try {
    return databasesOn(connections, config)
  } catch (error) {
    // Nobody else could.
    void connections.close()
    throw error
  }
}

function databasesOn(
  connections: PgConnectionManager,
  { replicas = false, ...config }: DatabaseConfig<DrizzleSchema> & { readonly replicas?: boolean },
): unknown {
  const primary = databaseOn(connections.pool, connections, config)
  if (!replicas) return primary
  // What is added to the primary here is found on what withReplicas makes of it, too.
  return withReplicas(primary, [databaseOn(connections.replica, connections, config)])
}

function databaseOn(
  pool: ManagedPool,
  connections: PgConnectionManager,
  config: DatabaseConfig<DrizzleSchema>,
): ManagedDatabase<DrizzleSchema> {
  const db = drizzle({ ...config, client: pool })
  makeTransactionsSound(db, pool)
  return Object.assign(db, { $connections: connections, $client: pool })
}
