import type { MysqlManagerOptions } from '@connmgr/mysql'
import type { SqliteManagerOptions } from '@connmgr/sqlite'

/** A URL that only SQLite has. */
type SqliteUrl = `file:${string}` | `sqlite:${string}` | ':memory:'

/**
 * Options by which TypeScript knows that a database is one of SQLite. With a URL that it does not know, from the environment
 * for example, it takes the database for PostgreSQL; a manager tells it.
 */
export type OptionsOfSqlite = SqliteManagerOptions &
  ({ readonly filename: string } | { readonly databaseUrl: SqliteUrl })

/** The same for MySQL and MariaDB. */
export type OptionsOfMysql = MysqlManagerOptions & {
  readonly databaseUrl: `mysql:${string}` | `mariadb:${string}`
}
