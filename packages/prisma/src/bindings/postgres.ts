import { ConnmgrError, InvalidOptionError } from '@connmgr/core'
import type { PgConnectionManager, PgManagerOptions } from '@connmgr/pg'
import type { Binding } from './binding.js'
import { loadPg, loadPrismaPg } from './load.js'

// Not everybody has the adapter of every database: `@ts-ignore` is for the declarations that users get.
// biome-ignore-start lint/suspicious/noTsIgnore: there is no error where it is installed
/** @ts-ignore: optional */
type Adapter = typeof import('@prisma/adapter-pg').PrismaPg
// biome-ignore-end lint/suspicious/noTsIgnore: as above

/** What `PrismaPg` takes beside its pool: `schema`, `statementNameGenerator` and so on. */
export type PrismaPgOptions = Omit<
  NonNullable<ConstructorParameters<Adapter>[1]>,
  'disposeExternalPool'
>

/** PostgreSQL: Prisma's own adapter for node-postgres, over a managed pool. */
export const postgres: Binding<PgConnectionManager, PgManagerOptions, PrismaPgOptions> = {
  provider: 'postgres',
  adapterName: '@prisma/adapter-pg',

  // Its packages are loaded only for what may be one.
  isManager: (manager): manager is PgConnectionManager =>
    'urlSettings' in manager && manager instanceof loadPg().PgConnectionManager,

  /** It is the one for options that name no other database. */
  isFor: () => true,

  createManager: (options) => loadPg().createConnectionManager(options),

  check(manager, options) {
    if ('disposeExternalPool' in options) {
      throw new InvalidOptionError(
        'disposeExternalPool',
        'option "disposeExternalPool" would have Prisma open a pool of its own after $disconnect(); leave it out',
      )
    }
    withUrlOf(manager, options)
    loadPrismaPg()
  },

  async connect(manager, options) {
    const adapter = await new (loadPrismaPg().PrismaPg)(
      manager.pool,
      withUrlOf(manager, options),
    ).connect()
    if (adapter.underlyingDriver() === manager.pool) return adapter
    // It did not recognise our pool as one of its own, took it for a configuration, and made a pool from that.
    await adapter.dispose()
    throw new ConnmgrError('CONNMGR_UNSUPPORTED', TWO_COPIES_OF_PG)
  },
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
  'connections that no manager has; see them with "npm ls pg", and let them be one by installing one version, for ' +
  'example with "npm install pg@latest && npm dedupe"'
