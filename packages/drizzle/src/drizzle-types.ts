import type { ManagedPool, PgConnectionManager } from '@connmgr/pg'
import type { DrizzleConfig } from 'drizzle-orm'
import type { drizzle, NodePgDatabase } from 'drizzle-orm/node-postgres'

// drizzle-orm 0.x infers a database from its `schema`, 1.0 from its `relations`, and each has types that the other
// lacks. So what differs is taken from the types that both have, as the installed version declares them.

/** What a database is inferred from: the tables of a `schema` for drizzle-orm 0.x, `defineRelations()` for 1.0. */
export type DrizzleSchema =
  Record<never, never> extends DrizzleConfig<infer Widest> ? Widest : never

/** What a database is inferred from if its configuration names nothing. */
export type NoSchema = DrizzleConfig extends DrizzleConfig<infer Default> ? Default : never

/** What only `drizzle()` for node-postgres takes: `codecs` in drizzle-orm 1.0. */
type PgOnly = Omit<
  Extract<Parameters<typeof drizzle>[0], { connection: unknown }>,
  keyof DrizzleConfig | 'connection' | 'client'
>

/** What `drizzle()` takes beside its client: `schema` or `relations`, `logger`, `casing`, `cache` and so on. */
export type DatabaseConfig<TSchema extends DrizzleSchema> = DrizzleConfig<TSchema> & PgOnly

/** What a managed database has beside what drizzle gives it. */
export interface Managed {
  /** Metrics, leaks, health and failover. Close it when the database is no longer needed. */
  readonly $connections: PgConnectionManager
  /** The pool under drizzle, a real `pg.Pool`. */
  readonly $client: ManagedPool
}

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

type WithReplicas<Q> = Q & {
  $primary: Q
  $replicas: Q[]
} & ('relations' extends keyof DrizzleConfig ? { readonly $replica: Q } : unknown)
