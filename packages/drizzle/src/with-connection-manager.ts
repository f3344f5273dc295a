import {
  createConnectionManager,
  type ManagedPool,
  PgConnectionManager,
  type PgManagerOptions,
} from '@connmgr/pg'
import type { DrizzleConfig } from 'drizzle-orm'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { type PgWithReplicas, withReplicas } from 'drizzle-orm/pg-core'
import { makeTransactionsSound } from './sound-transactions.js'

/** What a managed database has beside what drizzle gives it. */
export interface Managed {
  /** Metrics, leaks, health and failover. Close it when the database is no longer needed. */
  readonly $connections: PgConnectionManager
  /** The pool under drizzle, a real `pg.Pool`. */
  readonly $client: ManagedPool
}

/** A drizzle database over node-postgres whose connections connmgr manages. */
export type ManagedDatabase<TSchema extends Record<string, unknown>> = NodePgDatabase<TSchema> &
  Managed

/** The same, with reads on standbys; `$primary` reads from the primary. */
export type ManagedReplicatedDatabase<TSchema extends Record<string, unknown>> = PgWithReplicas<
  ManagedDatabase<TSchema>
> &
  Managed

/**
 * A drizzle database whose connections connmgr manages.
 *
 * @param config what `drizzle()` takes (`schema`, `logger`, `casing`, `cache`), and `replicas: true` to have selects
 * and relational queries run on standbys while there are any fit to read from, as drizzle's `withReplicas` does.
 * Reads may then lag behind writes; read through `$primary` what was just written.
 * @param manager options of a manager of its own, or one that others use too
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * const db = withConnectionManager({ schema }, { databaseUrl, failoverUrls })
 * const users = await db.query.users.findMany()
 * console.log(db.$connections.getPoolMetrics())
 */
export function withConnectionManager<
  TSchema extends Record<string, unknown> = Record<string, never>,
>(
  config: DrizzleConfig<TSchema> & { readonly replicas: true },
  manager?: PgManagerOptions | PgConnectionManager,
): ManagedReplicatedDatabase<TSchema>
export function withConnectionManager<
  TSchema extends Record<string, unknown> = Record<string, never>,
>(
  config?: DrizzleConfig<TSchema> & { readonly replicas?: false },
  manager?: PgManagerOptions | PgConnectionManager,
): ManagedDatabase<TSchema>
export function withConnectionManager<TSchema extends Record<string, unknown>>(
  config: DrizzleConfig<TSchema> & { readonly replicas?: boolean } = {},
  manager: PgManagerOptions | PgConnectionManager = {},
): ManagedDatabase<TSchema> | ManagedReplicatedDatabase<TSchema> {
  const { replicas = false, ...drizzleConfig } = config
  const connections =
    manager instanceof PgConnectionManager ? manager : createConnectionManager(manager)
  const primary = databaseOn(connections.pool, connections, drizzleConfig)
  if (!replicas) return primary
  const replicated = withReplicas(primary, [
    databaseOn(connections.replica, connections, drizzleConfig),
  ])
  // withReplicas copies the primary's own properties, among them those added here, but its type does not say so.
  return replicated as ManagedReplicatedDatabase<TSchema>
}

function databaseOn<TSchema extends Record<string, unknown>>(
  pool: ManagedPool,
  connections: PgConnectionManager,
  config: DrizzleConfig<TSchema>,
): ManagedDatabase<TSchema> {
  const db = drizzle<TSchema, ManagedPool>({ ...config, client: pool })
  makeTransactionsSound(db as unknown as NodePgDatabase<never>, pool)
  return Object.assign(db, { $connections: connections, $client: pool })
}
