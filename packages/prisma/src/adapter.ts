import { PoolClosedError } from '@connmgr/core'
import { registerErrors } from '@connmgr/core/driver'
import type { MysqlConnectionManager } from '@connmgr/mysql'
import type { PgConnectionManager, PgManagerOptions } from '@connmgr/pg'
import type { SqliteConnectionManager } from '@connmgr/sqlite'
import type { AnyConnectionManager, AnyManagerOptions } from './bindings/binding.js'
import { bindingFor, bindingOf, type ChosenBinding } from './bindings/choose.js'
import type { SqlAdapter } from './bindings/driver-adapter.js'
import type { PrismaMariadbOptions } from './bindings/mysql.js'
import type { PrismaPgOptions } from './bindings/postgres.js'
import { PRISMA_ERRORS } from './error-reader.js'
import type { OptionsOfMysql, OptionsOfSqlite } from './manager-types.js'
import { nameStatements } from './named-statements.js'
import type { PrismaSqliteOptions } from './sqlite/sqlite-adapter.js'

/** Marks our adapters, whichever of the two builds of this package has made them. */
const ADAPTER = Symbol.for('@connmgr/prisma adapter')

/**
 * The driver adapter that puts connmgr under Prisma. Made by {@link connectionManagerAdapter}.
 *
 * For SQLite it is an adapter of ours, for all others Prisma's own over a managed pool.
 */
export class ConnectionManagerAdapter<M extends AnyConnectionManager = AnyConnectionManager> {
  readonly provider: 'postgres' | 'mysql' | 'sqlite'
  readonly adapterName: string
  /** True if the manager was made here, from options: then `$disconnect()` closes it, and the next use makes a new one. */
  readonly ownsManager: boolean
  readonly #binding: ChosenBinding
  readonly #given: AnyConnectionManager | AnyManagerOptions
  readonly #options: object
  #manager: AnyConnectionManager

  /** True for adapters of this class, also if `import` has made the one and `require` has loaded the other. */
  static [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && ADAPTER in value
  }

  constructor(given: AnyConnectionManager | AnyManagerOptions, options: object) {
    registerErrors(PRISMA_ERRORS)
    Object.defineProperty(this, ADAPTER, { value: true })
    const bindingOfManager = bindingOf(given)
    this.#binding = bindingOfManager ?? bindingFor(given)
    this.provider = this.#binding.provider
    this.adapterName = this.#binding.adapterName
    this.ownsManager = bindingOfManager === undefined
    this.#given = given
    this.#options = options
    // Made at once, so that a mistake in the options shows where they are written.
    this.#manager = this.#createManager()
    try {
      this.#binding.check(this.#manager, options)
    } catch (error) {
      // The caller never gets it, and could not close it.
      void this.release()
      throw error
    }
  }

  /** The present manager. */
  get manager(): M {
    return this.#manager as M
  }

  /**
   * Called by Prisma, before the first query and by `$connect()`, also after `$disconnect()`. Opens the manager's first
   * connection, so that a server that is not there, or does not let us in, shows here.
   *
   * @throws ConnectFailedError `CONNMGR_CONNECT_FAILED`, and all others that `acquire` of the manager throws
   * @throws PoolClosedError `CONNMGR_POOL_CLOSED` if a manager that was passed in is closed
   * @throws ConnmgrError `CONNMGR_UNSUPPORTED` if there are two copies of the package `pg`
   */
  async connect(): Promise<SqlAdapter> {
    if (this.#manager.closed) this.#reopen()
    const manager = this.#manager
    let adapter: SqlAdapter
    try {
      adapter = await this.#binding.connect(manager, this.#options)
    } catch (error) {
      await this.release()
      throw error
    }
    // One that has connected before answers by itself, within the time that Prisma gives to each call.
    if (manager.getPoolMetrics().totalConnectionsCreated === 0) await manager.warmUp(1)
    nameStatements(adapter, () => manager.queries.active)
    const dispose = adapter.dispose.bind(adapter)
    adapter.dispose = async () => {
      await dispose()
      if (this.ownsManager) await manager.close()
    }
    return adapter
  }

  /** Closes the manager, unless it was passed in. */
  async release(): Promise<void> {
    if (this.ownsManager) await this.#manager.close()
  }

  #createManager(): AnyConnectionManager {
    return this.ownsManager
      ? this.#binding.createManager(this.#given as AnyManagerOptions)
      : (this.#given as AnyConnectionManager)
  }

  #reopen(): void {
    if (!this.ownsManager) throw new PoolClosedError(this.#manager.name)
    this.#manager = this.#createManager()
  }
}

/**
 * A driver adapter for `new PrismaClient({ adapter })`, where `withConnectionManager` does not fit: in a subclass of
 * PrismaClient, or for several clients over one manager. A manager that is passed in is left open by `$disconnect()`;
 * one made from options is closed by it.
 *
 * A manager says by itself which database it is of. Options are of the database that the scheme of their URL names, or
 * that of DATABASE_URL if they have none.
 *
 * @param options what `PrismaPg` takes for PostgreSQL, `schema` for example; what
 * `PrismaMariaDb` takes for MySQL and MariaDB; `timestampFormat` for SQLite
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * const manager = createConnectionManager({ databaseUrl })
 * const prisma = new PrismaClient({ adapter: connectionManagerAdapter(manager, { schema: 'shop' }) })
 */
export function connectionManagerAdapter(
  manager: SqliteConnectionManager | OptionsOfSqlite,
  options?: PrismaSqliteOptions,
): ConnectionManagerAdapter<SqliteConnectionManager>
export function connectionManagerAdapter(
  manager: MysqlConnectionManager | OptionsOfMysql,
  options?: PrismaMariadbOptions,
): ConnectionManagerAdapter<MysqlConnectionManager>
export function connectionManagerAdapter(
  manager?: PgConnectionManager | PgManagerOptions,
  options?: PrismaPgOptions,
): ConnectionManagerAdapter<PgConnectionManager>
export function connectionManagerAdapter(
  manager: AnyConnectionManager | AnyManagerOptions = {},
  options: object = {},
): ConnectionManagerAdapter {
  return new ConnectionManagerAdapter(manager, options)
}
