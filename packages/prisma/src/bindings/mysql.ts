import type { MysqlConnectionManager, MysqlManagerOptions } from '@connmgr/mysql'
import {
  MYSQL_ADAPTER_NAME,
  MysqlAdapter,
  type PrismaMysqlOptions,
} from '../mysql/mysql-adapter.js'
import type { Binding } from './binding.js'
import { loadMysql } from './load.js'

/**
 * MySQL and MariaDB: an adapter of ours over mysql2. Prisma's own takes connections of the library `mariadb` alone, for
 * which everything that a manager knows of mysql2's would have to be there a second time.
 */
export const mysql: Binding<MysqlConnectionManager, MysqlManagerOptions, PrismaMysqlOptions> = {
  provider: 'mysql',
  adapterName: MYSQL_ADAPTER_NAME,

  // Its packages are loaded only for what may be one.
  isManager: (manager): manager is MysqlConnectionManager =>
    'replayStatements' in manager &&
    'acquire' in manager &&
    !('urlSettings' in manager) &&
    manager instanceof loadMysql().MysqlConnectionManager,

  isFor: (_options, url = '') => /^(?:mysql|mariadb):/i.test(url.trim()),

  createManager: (options) => loadMysql().createConnectionManager(options),

  check() {},

  async connect({ pool }, options) {
    const [rows] = await pool.promise().query({ sql: 'SELECT VERSION()', rowsAsArray: true })
    const [[version]] = rows as unknown as [[unknown]]
    return new MysqlAdapter(pool, hasRelationJoins(String(version)), options)
  },
}

/** Lateral joins, which MariaDB does not have, and MySQL from 8.0.13. */
function hasRelationJoins(version: string): boolean {
  if (/mariadb/i.test(version)) return false
  const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map(Number)
  return major > 8 || (major === 8 && (minor > 0 || patch >= 13))
}
