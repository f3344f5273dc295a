import type { ManagedPool, PgConnectionManager } from '@connmgr/pg'
import type { DrizzleConfig } from 'drizzle-orm'
import type { drizzle, NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { DrizzleSchema, ManagedBy, NoSchema, WithReplicas } from './drizzle-types.js'

/** What only `drizzle()` for node-postgres takes: `codecs` in drizzle-orm 1.0. */
type PgOnly = Omit<
  Extract<Parameters<typeof drizzle>[0], { connection: unknown }>,
  keyof DrizzleConfig | 'connection' | 'client'
>

/** What `drizzle()` takes beside its client: `schema` or `relations`, `logger`, `casing`, `cache` and so on. */
export type DatabaseConfig<TSchema extends DrizzleSchema> = DrizzleConfig<TSchema> & PgOnly

/** What a managed database has beside what drizzle gives it; the pool is a real `pg.Pool`. */
export interface Managed extends ManagedBy<PgConnectionManager, ManagedPool> {}

/** A drizzle database over node-postgres whose connections connmgr manages. */
export type ManagedDatabase<TSchema extends DrizzleSchema = NoSchema> = NodePgDatabase<TSchema> &
  Managed

/**
 * The same, with a pool for reads on standbys. With drizzle-orm 0.x selects and relational queries use it, and
 * `$primary` reads from the primary; with 1.0 they do so through `$replica` alone.
 */
export type ManagedReplicatedDatabase<TSchema extends DrizzleSchema = NoSchema> = WithReplicas<
  ManagedDatabase<TSchema>
>
