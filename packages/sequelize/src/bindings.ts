import { createRequire } from 'node:module'
import { InvalidOptionError } from '@connmgr/core'
import type * as Mysql from '@connmgr/mysql'
import type * as Pg from '@connmgr/pg'
import type { Sequelize } from 'sequelize'
import { mysqlManager } from './mysql.js'
import { postgresManager } from './postgres.js'

/** The manager under a Sequelize: that of its dialect. */
export type SequelizeConnections = Pg.PgConnectionManager | Mysql.MysqlConnectionManager
/** The options of such a manager. */
export type DatabaseOptions = Pg.PgManagerOptions | Mysql.MysqlManagerOptions

type Open = (sequelize: Sequelize, options: DatabaseOptions) => SequelizeConnections

const load = createRequire(__filename)

const BINDINGS: Readonly<Record<string, Open>> = {
  postgres: (sequelize, options) =>
    postgresManager(
      packageOf<typeof Pg>('@connmgr/pg', 'pg'),
      sequelize,
      options as Pg.PgManagerOptions,
    ),
  mysql: (sequelize, options) =>
    mysqlManager(
      packageOf<typeof Mysql>('@connmgr/mysql', 'mysql2'),
      sequelize,
      options as Mysql.MysqlManagerOptions,
    ),
}

const ADVICE: Readonly<Record<string, string>> = {
  mariadb:
    "use dialect 'mysql' with mysql2, which speaks to MariaDB too: the connections of the mariadb library are not managed",
}

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` for a dialect whose connections are not managed */
export function openManager(sequelize: Sequelize, options: DatabaseOptions): SequelizeConnections {
  const dialect = sequelize.getDialect()
  const open = BINDINGS[dialect]
  if (open !== undefined) return open(sequelize, options)
  const known = Object.keys(BINDINGS).map((name) => `'${name}'`)
  throw new InvalidOptionError(
    'dialect',
    `option "dialect" must be one of ${known.join(', ')} for @connmgr/sequelize, but it is '${dialect}'` +
      `${ADVICE[dialect] === undefined ? '' : `; ${ADVICE[dialect]}`}`,
  )
}

function packageOf<T>(name: string, driver: string): T {
  try {
    return load(name) as T
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException | null)?.code !== 'MODULE_NOT_FOUND') throw cause
    const error = new InvalidOptionError(
      'dialect',
      `this dialect needs the package ${driver}; install it with "npm install ${driver}"`,
    )
    error.cause = cause
    throw error
  }
}
