import type { ManagedPool, MysqlConnectionManager } from '@connmgr/mysql'
import type { DrizzleConfig } from 'drizzle-orm'
import type { MySql2Database } from 'drizzle-orm/mysql2'
import type { DrizzleSchema, ManagedBy, NoSchema, WithReplicas } from '../drizzle-types.js'

/**
 * How relational queries are written: `'default'` uses LATERAL joins, which MySQL 8 has and MariaDB has not;
 * `'planetscale'` uses subqueries, which both have.
 */
type Mode = 'default' | 'planetscale'

/** What `drizzle()` takes beside its client: `schema` with `mode`, `logger`, `casing`, `cache` and so on. */
export type DatabaseConfig<TSchema extends DrizzleSchema> = DrizzleConfig<TSchema> &
  (
    | { readonly schema: object; readonly mode: Mode }
    | { readonly schema?: undefined; readonly mode?: Mode }
  )

/** What a managed database has beside what drizzle gives it; the pool is one of mysql2's. */
export interface Managed extends ManagedBy<MysqlConnectionManager, ManagedPool> {}

/** A drizzle database over mysql2 whose connections connmgr manages. */
export type ManagedDatabase<TSchema extends DrizzleSchema = NoSchema> = MySql2Database<TSchema> &
  Managed

/**
 * The same, with a pool for reads on replicas. With drizzle-orm 0.x selects and relational queries use it, and `$primary`
 * reads from the primary; with 1.0 they do so through `$replica` alone.
 */
export type ManagedReplicatedDatabase<TSchema extends DrizzleSchema = NoSchema> = WithReplicas<
  ManagedDatabase<TSchema>
>
