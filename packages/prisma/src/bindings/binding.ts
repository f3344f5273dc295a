import type { MysqlConnectionManager, MysqlManagerOptions } from '@connmgr/mysql'
import type { PgConnectionManager, PgManagerOptions } from '@connmgr/pg'
import type { SqliteConnectionManager, SqliteManagerOptions } from '@connmgr/sqlite'
import type { SqlAdapter } from './driver-adapter.js'

/** A manager of a database that Prisma can use. */
export type AnyConnectionManager =
  | PgConnectionManager
  | MysqlConnectionManager
  | SqliteConnectionManager

/** What a manager is made from. */
export type AnyManagerOptions = PgManagerOptions | MysqlManagerOptions | SqliteManagerOptions

/** What Prisma needs of one database. Ownership, leaks and replay are the same for all, and in none of them. */
export interface Binding<M extends AnyConnectionManager, O extends object, A extends object> {
  /** As Prisma calls the database. */
  readonly provider: 'postgres' | 'mysql' | 'sqlite'
  /** For Prisma's messages. */
  readonly adapterName: string
  /** Whether a manager is one of this database. */
  isManager(manager: object): manager is M
  /** Whether options, and the URL that applies to them, are of this database. */
  isFor(options: object, url: string | undefined): boolean
  createManager(options: O): M
  /**
   * Looks at the options of the adapter, when it is made.
   *
   * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
   */
  check(manager: M, options: A): void
  /** The driver adapter over a manager. Its `dispose` leaves the manager alone. */
  connect(manager: M, options: A): Promise<SqlAdapter>
}
