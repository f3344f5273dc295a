import { type ConnectionManager, InvalidOptionError } from '@connmgr/core'
import { registerErrors } from '@connmgr/core/driver'
import type { Sequelize } from 'sequelize'
import { type DatabaseOptions, openManager, type SequelizeConnections } from './bindings.js'
import { SEQUELIZE_ERRORS } from './errors.js'
import { ManagedSequelizePool } from './managed-pool.js'
import { nameCallers } from './named-callers.js'
import { internalsOf } from './sequelize-internals.js'
import { readsOnReplicas } from './server-options.js'

/** What {@link withConnectionManager} takes: the options of the manager of the dialect, and one more. */
export type SequelizeManagerOptions = DatabaseOptions & {
  /**
   * Whether selects without `useMaster` run on replicas, while there are any fit to read from. Transactions that only read
   * do so, too. `@default` true if Sequelize's own `replication` is set
   */
  readonly replicas?: boolean
}

const managers = new WeakMap<Sequelize, SequelizeConnections>()

/**
 * Puts a manager under a Sequelize for PostgreSQL (`pg`), or for MySQL or MariaDB (`mysql2`), in place of its pool, and
 * returns that Sequelize. The servers, sizes and settings of its sessions are those of its own options, unless the
 * options here say otherwise. Call it before the first query; `sequelize.close()` closes the manager.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * const sequelize = withConnectionManager(new Sequelize(databaseUrl, { logging: false }), { failoverUrls })
 * console.log(getConnections(sequelize).getPoolMetrics())
 */
export function withConnectionManager<S extends Sequelize>(
  sequelize: S,
  options: SequelizeManagerOptions = {},
): S {
  if (managers.has(sequelize))
    throw new InvalidOptionError('sequelize', 'this Sequelize has a manager already')
  if ('acquire' in options)
    throw new InvalidOptionError(
      'options',
      'a manager was passed where options are expected: the connections of Sequelize have settings of their own, so its manager is made for it',
    )
  const { replicas, ...managerOptions } = options
  const internals = internalsOf(sequelize)
  const manager = openManager(sequelize, managerOptions)
  registerErrors(SEQUELIZE_ERRORS)
  const readTarget = (replicas ?? readsOnReplicas(internals.config)) ? 'prefer-standby' : 'primary'
  const pool = new ManagedSequelizePool(
    sequelize,
    manager as unknown as ConnectionManager<object>,
    readTarget,
  )
  const { connectionManager } = internals
  // With replication it is made of two, which it looks for where it is replaced.
  const { pool: replaced } = connectionManager
  const { read, write } = replaced
  const before = read && write ? [read, write] : [replaced]
  connectionManager.pool = pool
  // Sequelize dials past its pool for the version of the server.
  connectionManager._connect = () => pool.acquire()
  connectionManager._disconnect = async (connection) => pool.release(connection)
  managers.set(sequelize, manager)
  nameCallers(sequelize, (each) => managers.get(each)?.queries.active === true)
  // It has connections only if this comes too late.
  for (const each of before) void each.drain().then(() => each.destroyAllNow())
  return sequelize
}

/**
 * The manager under a Sequelize: metrics, leaks, health and failover.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION` if it has none
 */
export function getConnections(sequelize: Sequelize): SequelizeConnections {
  const manager = managers.get(sequelize)
  if (manager === undefined)
    throw new InvalidOptionError(
      'sequelize',
      'this Sequelize has no manager; put one under it with withConnectionManager(sequelize)',
    )
  return manager
}
