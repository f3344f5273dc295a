import type { PgConnectionManager, PgManagerOptions } from '@connmgr/pg'
import type { DataSourceOptions } from 'typeorm'

/** The types of a DataSource that connmgr manages. */
export type ManagedType = 'postgres' | 'mysql' | 'mariadb' | 'better-sqlite3'

/** The options of a DataSource for PostgreSQL. */
export type PostgresDataSourceOptions = Extract<DataSourceOptions, { type: 'postgres' }>
/** The options of a DataSource for MySQL or MariaDB. */
export type MysqlDataSourceOptions = Extract<DataSourceOptions, { type: 'mysql' | 'mariadb' }>
/** The options of a DataSource for SQLite by better-sqlite3. */
export type SqliteDataSourceOptions = Extract<DataSourceOptions, { type: 'better-sqlite3' }>
/** The options of every DataSource that connmgr manages. */
export type ManagedDataSourceOptions =
  | PostgresDataSourceOptions
  | MysqlDataSourceOptions
  | SqliteDataSourceOptions

// The packages of databases that are not used need not be installed: `@ts-ignore` is for the declarations that users
// get, where the types are `any` then, and `Installed` makes `never` of that.
// biome-ignore-start lint/suspicious/noTsIgnore: there is no error where all packages are installed
/** @ts-ignore: optional */
type MysqlOptions = import('@connmgr/mysql').MysqlManagerOptions
/** @ts-ignore: optional */
type MysqlManager = import('@connmgr/mysql').MysqlConnectionManager
/** @ts-ignore: optional */
type SqliteOptions = import('@connmgr/sqlite').SqliteManagerOptions
/** @ts-ignore: optional */
type SqliteManager = import('@connmgr/sqlite').SqliteConnectionManager
// biome-ignore-end lint/suspicious/noTsIgnore: as above

/** A type that is known, `never` for that of a package which is not installed. */
type Installed<T> = 0 extends 1 & T ? never : T

/** What belongs to one database: TypeORM's options, a manager's options, the manager. */
interface Postgres {
  readonly dataSource: PostgresDataSourceOptions
  readonly options: PgManagerOptions
  readonly manager: PgConnectionManager
}
interface Mysql {
  readonly dataSource: MysqlDataSourceOptions
  readonly options: Installed<MysqlOptions>
  readonly manager: Installed<MysqlManager>
}
interface Sqlite {
  readonly dataSource: SqliteDataSourceOptions
  readonly options: Installed<SqliteOptions>
  readonly manager: Installed<SqliteManager>
}
/** What belongs to any of them. */
export type Database = Postgres | Mysql | Sqlite
/** By the type of a DataSource. */
export interface Databases {
  readonly postgres: Postgres
  readonly mysql: Mysql
  readonly mariadb: Mysql
  readonly 'better-sqlite3': Sqlite
}

/** The manager of a DataSource of a type. */
export type ManagerOf<T extends ManagedType> = Databases[T]['manager']
/** The options of such a manager. */
export type ManagerOptionsOf<T extends ManagedType> = Databases[T]['options']
/** Options, or a manager that exists already. */
export type GivenFor<T extends ManagedType> = ManagerOptionsOf<T> | ManagerOf<T>
/** The options of a DataSource of a type. */
export type DataSourceOptionsOf<T extends ManagedType> = Databases[T]['dataSource']
