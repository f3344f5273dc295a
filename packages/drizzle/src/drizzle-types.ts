import type { DrizzleConfig } from 'drizzle-orm'

// drizzle-orm 0.x infers a database from its `schema`, 1.0 from its `relations`, and each has types that the other
// lacks. So what differs is taken from the types that both have, as the installed version declares them.

/** What a database is inferred from: the tables of a `schema` for drizzle-orm 0.x, `defineRelations()` for 1.0. */
export type DrizzleSchema =
  Record<never, never> extends DrizzleConfig<infer Widest> ? Widest : never

/** What a database is inferred from if its configuration names nothing. */
export type NoSchema = DrizzleConfig extends DrizzleConfig<infer Default> ? Default : never

/** What a managed database has beside what drizzle gives it. */
export interface ManagedBy<Manager, Pool> {
  /** Metrics, leaks, health and failover. Close it when the database is no longer needed. */
  readonly $connections: Manager
  /** The pool under drizzle. */
  readonly $client: Pool
}

/** A database with another for reads, as drizzle's `withReplicas` makes it. */
export type WithReplicas<Q> = Q & {
  $primary: Q
  $replicas: Q[]
} & ('relations' extends keyof DrizzleConfig ? { readonly $replica: Q } : unknown)
