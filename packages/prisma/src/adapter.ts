import { ConnmgrError, InvalidOptionError, PoolClosedError } from '@connmgr/core'
import { registerErrors } from '@connmgr/core/driver'
import { createConnectionManager, PgConnectionManager, type PgManagerOptions } from '@connmgr/pg'
import { PrismaPg } from '@prisma/adapter-pg'
import { PRISMA_ERRORS } from './error-reader.js'

/** What `PrismaPg` takes beside its pool: `schema`, `statementNameGenerator` and so on. */
export type PrismaPgOptions = Omit<
  NonNullable<ConstructorParameters<typeof PrismaPg>[1]>,
  'disposeExternalPool'
>

type SqlAdapter = Awaited<ReturnType<PrismaPg['connect']>>

/** Marks our adapters, whichever of the two builds of this package has made them. */
const ADAPTER = Symbol.for('@connmgr/prisma adapter')

/**
 * The driver adapter that puts connmgr under Prisma: Prisma's own adapter for node-postgres, over a managed pool.
 * Made by {@link connectionManagerAdapter}.
 */
export class ConnectionManagerAdapter {
  readonly provider = 'postgres'
  readonly adapterName: string
  /** True if the manager was made here, from options: then `$disconnect()` closes it, and the next use makes a new one. */
  readonly ownsManager: boolean
  readonly #given: PgConnectionManager | PgManagerOptions
  readonly #options: PrismaPgOptions
  #manager: PgConnectionManager
  #factory: PrismaPg

  /** True for adapters of this class, also if `import` has made the one and `require` has loaded the other. */
  static [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && ADAPTER in value
  }

  constructor(given: PgConnectionManager | PgManagerOptions, options: PrismaPgOptions) {
    registerErrors(PRISMA_ERRORS)
    if ('disposeExternalPool' in options) {
      throw new InvalidOptionError(
        'disposeExternalPool',
        'option "disposeExternalPool" would have Prisma open a pool of its own after $disconnect(); leave it out',
      )
    }
    Object.defineProperty(this, ADAPTER, { value: true })
    this.ownsManager = !(given instanceof PgConnectionManager)
    this.#given = given
    this.#options = options
    // Made at once, so that a mistake in the options shows where they are written.
    this.#manager = this.#createManager()
    try {
      this.#factory = this.#createFactory()
    } catch (error) {
      // The caller never gets it, and could not close it.
      void this.release()
      throw error
    }
    this.adapterName = this.#factory.adapterName
  }

  /** The present manager. */
  get manager(): PgConnectionManager {
    return this.#manager
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
    const adapter = await this.#factory.connect()
    if (adapter.underlyingDriver() !== manager.pool) {
      // It did not recognise our pool as one of its own, took it for a configuration, and made a pool from that.
      await adapter.dispose()
      await this.release()
      throw new ConnmgrError('CONNMGR_UNSUPPORTED', TWO_COPIES_OF_PG)
    }
    // One that has connected before answers by itself, within the time that Prisma gives to each call.
    if (manager.getPoolMetrics().totalConnectionsCreated === 0) await manager.warmUp(1)
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

  #createManager(): PgConnectionManager {
    return this.#given instanceof PgConnectionManager
      ? this.#given
      : createConnectionManager(this.#given)
  }

  #createFactory(): PrismaPg {
    return new PrismaPg(this.#manager.pool, withUrlOf(this.#manager, this.#options))
  }

  #reopen(): void {
    if (!this.ownsManager) throw new PoolClosedError(this.#manager.name)
    this.#manager = this.#createManager()
    this.#factory = this.#createFactory()
  }
}

/** Options with what the URL says to Prisma. What it says of the pool, the manager has done already. */
function withUrlOf(
  { urlSettings }: PgConnectionManager,
  options: PrismaPgOptions,
): PrismaPgOptions {
  const { schema, statementCacheSize = 0 } = urlSettings
  if (statementCacheSize > 0 && options.statementNameGenerator === undefined) {
    throw new InvalidOptionError(
      'statement_cache_size',
      `the URL has statement_cache_size=${statementCacheSize}, but over node-postgres no statement is kept prepared unless ` +
        'it has a name; leave the parameter out, or give connectionManagerAdapter a statementNameGenerator',
    )
  }
  return schema === undefined ? options : { schema, ...options }
}

const TWO_COPIES_OF_PG =
  'there are two copies of the package "pg": @prisma/adapter-pg uses another one than @connmgr/pg, so it would open ' +
  'connections that nobody manages; see them with "npm ls pg", and let them be one by installing one version, for ' +
  'example with "npm install pg@latest && npm dedupe"'

/**
 * A driver adapter for `new PrismaClient({ adapter })`, where `withConnectionManager` does not fit: in a subclass of
 * PrismaClient, or for several clients over one manager. A manager that is passed in is left open by `$disconnect()`;
 * one made from options is closed by it.
 *
 * @param options what `PrismaPg` takes, `schema` for example
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * const manager = createConnectionManager({ databaseUrl })
 * const prisma = new PrismaClient({ adapter: connectionManagerAdapter(manager, { schema: 'shop' }) })
 */
export function connectionManagerAdapter(
  manager: PgConnectionManager | PgManagerOptions = {},
  options: PrismaPgOptions = {},
): ConnectionManagerAdapter {
  return new ConnectionManagerAdapter(manager, options)
}
