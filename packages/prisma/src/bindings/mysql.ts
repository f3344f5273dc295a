import { ConnmgrError, InvalidOptionError } from '@connmgr/core'
import type { MysqlConnectionManager, MysqlManagerOptions } from '@connmgr/mysql'
import type { Binding } from './binding.js'
import { loadMariadbPool, loadMysql, loadPrismaMariaDb } from './load.js'

// Not everybody has the adapter of every database: `@ts-ignore` is for the declarations that users get.
// biome-ignore-start lint/suspicious/noTsIgnore: there is no error where it is installed
/** @ts-ignore: optional */
type Adapter = typeof import('@prisma/adapter-mariadb').PrismaMariaDb
// biome-ignore-end lint/suspicious/noTsIgnore: as above

/** What `PrismaMariaDb` takes beside its pool: `database`, `useTextProtocol` and so on. */
export type PrismaMariadbOptions = Omit<
  NonNullable<ConstructorParameters<Adapter>[1]>,
  'disposeExternalPool'
>

type AdapterPool = Exclude<ConstructorParameters<Adapter>[0], string>

/**
 * MySQL and MariaDB: Prisma's own adapter for MariaDB, over a managed pool of mysql2 that has the face of the one that the
 * adapter takes.
 */
export const mysql: Binding<MysqlConnectionManager, MysqlManagerOptions, PrismaMariadbOptions> = {
  provider: 'mysql',
  adapterName: '@prisma/adapter-mariadb',

  // Its packages are loaded only for what may be one.
  isManager: (manager): manager is MysqlConnectionManager =>
    'replayStatements' in manager &&
    'acquire' in manager &&
    !('urlSettings' in manager) &&
    manager instanceof loadMysql().MysqlConnectionManager,

  isFor: (_options, url = '') => /^(?:mysql|mariadb):/i.test(url.trim()),

  createManager: (options) => loadMysql().createConnectionManager(options),

  check(_manager, options) {
    if ('disposeExternalPool' in options)
      throw new InvalidOptionError(
        'disposeExternalPool',
        'option "disposeExternalPool" would have Prisma close the pool at $disconnect(); leave it out',
      )
    loadPrismaMariaDb()
  },

  async connect(manager, options) {
    const pool = new (loadMariadbPool().MariadbPool)(manager.pool) as unknown as AdapterPool
    const adapter = await new (loadPrismaMariaDb().PrismaMariaDb)(pool, options).connect()
    if (adapter.underlyingDriver() === pool) return adapter
    // It has taken the pool for a configuration, as versions do that know no other.
    await adapter.dispose()
    throw new ConnmgrError('CONNMGR_UNSUPPORTED', TAKES_NO_POOL)
  },
}

const TAKES_NO_POOL =
  'this version of @prisma/adapter-mariadb takes no pool, so it would open connections that no manager knows of; update ' +
  'it with "npm install @prisma/adapter-mariadb@latest"'
