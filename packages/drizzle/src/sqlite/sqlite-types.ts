import type { ManagedPool, SqliteConnectionManager } from '@connmgr/sqlite'
import type { DrizzleConfig } from 'drizzle-orm'
import type { LibSQLDatabase } from 'drizzle-orm/libsql'
import type { DrizzleSchema, ManagedBy, NoSchema, WithReplicas } from '../drizzle-types.js'

/** What `drizzle()` takes beside its client: `schema` or `relations`, `logger`, `casing`, `cache` and so on. */
export type DatabaseConfig<TSchema extends DrizzleSchema> = DrizzleConfig<TSchema>

/** What a managed database has beside what drizzle gives it; the pool has the face of libSQL's client. */
export interface Managed extends ManagedBy<SqliteConnectionManager, ManagedPool> {}

/** A drizzle database over an SQLite file whose connections connmgr manages. */
export type ManagedDatabase<TSchema extends DrizzleSchema = NoSchema> = LibSQLDatabase<TSchema> &
  Managed

/** The same, with a pool whose connections only read. */
export type ManagedReplicatedDatabase<TSchema extends DrizzleSchema = NoSchema> = WithReplicas<
  ManagedDatabase<TSchema>
>
