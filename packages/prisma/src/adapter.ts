import { ConnmgrError, InvalidOptionError } from '@connmgr/core'
import { createConnectionManager, PgConnectionManager, type PgManagerOptions } from '@connmgr/pg'
import { PrismaPg } from '@prisma/adapter-pg'

/** What `PrismaPg` takes beside its pool: `schema`, `statementNameGenerator` and so on. */
export type PrismaPgOptions = Omit<
  NonNullable<ConstructorParameters<typeof PrismaPg>[1]>,
  'disposeExternalPool'
>

type SqlAdapter = Awaited<ReturnType<PrismaPg['connect']>>

/**
 * The driver adapter that puts connmgr under Prisma: Prisma's own adapter for node-postgres, over a managed pool.
 *
 * @example
 * const prisma = new PrismaClient({ adapter: connectionManagerAdapter(manager) })
 */
export class ConnectionManagerAdapter {
  readonly provider = 'postgres'
  readonly adapterName: string
  readonly manager: PgConnectionManager
  readonly #owned: boolean
  readonly #factory: PrismaPg

  constructor(manager: PgConnectionManager | PgManagerOptions, options: PrismaPgOptions = {}) {
    if ('disposeExternalPool' in options) {
      throw new InvalidOptionError(
        'disposeExternalPool',
        'option "disposeExternalPool" would have Prisma open a pool of its own after $disconnect(); leave it out',
      )
    }
    this.#owned = !(manager instanceof PgConnectionManager)
    this.manager =
      manager instanceof PgConnectionManager ? manager : createConnectionManager(manager)
    this.#factory = new PrismaPg(this.manager.pool, options)
    this.adapterName = this.#factory.adapterName
  }

  /** Called by Prisma. */
  async connect(): Promise<SqlAdapter> {
    const adapter = await this.#factory.connect()
    if (adapter.underlyingDriver() !== this.manager.pool) {
      // It did not recognise our pool as one of its own, took it for a configuration, and made a pool from that.
      await adapter.dispose()
      throw new ConnmgrError('CONNMGR_UNSUPPORTED', TWO_COPIES_OF_PG)
    }
    const dispose = adapter.dispose.bind(adapter)
    adapter.dispose = async () => {
      await dispose()
      if (this.#owned) await this.manager.close()
    }
    return adapter
  }

  /** Called by Prisma's migration tools, which need a database that they may create and drop. */
  connectToShadowDb(): Promise<SqlAdapter> {
    return this.#factory.connectToShadowDb()
  }
}

const TWO_COPIES_OF_PG =
  'there are two copies of the package "pg": @prisma/adapter-pg uses another one than @connmgr/pg, so it would open ' +
  'connections that nobody manages; see them with "npm ls pg", and let them be one by installing one version, for ' +
  'example with "npm install pg@latest && npm dedupe"'

/**
 * A driver adapter for `new PrismaClient({ adapter })`. A manager that is passed in is left open by `$disconnect()`;
 * one made from options is closed by it.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function connectionManagerAdapter(
  manager: PgConnectionManager | PgManagerOptions = {},
  options: PrismaPgOptions = {},
): ConnectionManagerAdapter {
  return new ConnectionManagerAdapter(manager, options)
}
