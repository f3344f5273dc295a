import { CALL_RULES, checkCall, ISOLATION_LEVELS } from '@connmgr/core/driver'
import {
  createConnectionManager,
  type ManagedPool,
  MysqlConnectionManager,
  type MysqlManagerOptions,
} from '@connmgr/mysql'
import { type MySqlTransactionConfig, withReplicas } from 'drizzle-orm/mysql-core'
import { drizzle, type MySql2Database } from 'drizzle-orm/mysql2'
import { type Binding, openDatabase } from '../binding.js'
import type { DrizzleSchema, NoSchema } from '../drizzle-types.js'
import { makeTransactionsSound } from '../sound-transactions.js'
import type { DatabaseConfig, ManagedDatabase, ManagedReplicatedDatabase } from './mysql-types.js'

type Config = DatabaseConfig<DrizzleSchema>

const TRANSACTION = {
  isolationLevel: CALL_RULES.oneOf(...ISOLATION_LEVELS),
  accessMode: CALL_RULES.oneOf('read only', 'read write'),
}

const MYSQL: Binding<ManagedPool, MysqlConnectionManager, MysqlManagerOptions, Config> = {
  isManager: (given) => given instanceof MysqlConnectionManager,
  createManager: createConnectionManager,
  withReplicas: (primary, replica) =>
    withReplicas(primary as MySql2Database, [replica as MySql2Database]),
  open: (pool, config) => {
    const db = drizzle({ ...config, client: pool })
    makeTransactionsSound(db, {
      borrow: async (below) => {
        const connection = await pool.borrow(below)
        return { client: connection.promise(), release: () => connection.release() }
      },
      sends: ['query', 'execute'],
      checkConfig: ({ isolationLevel, accessMode }: Partial<MySqlTransactionConfig> = {}) =>
        checkCall('transaction', { isolationLevel, accessMode }, TRANSACTION),
    })
    return db
  },
}

/**
 * A drizzle database over MySQL or MariaDB, with mysql2, whose connections connmgr manages.
 *
 * @param config what `drizzle()` takes (`schema` with `mode`, or `relations` with drizzle-orm 1.0; `logger`, `casing`,
 * `cache`), and `replicas: true` to read from replicas while there are any fit to read from, as drizzle's `withReplicas`
 * does. For MariaDB `mode` is `'planetscale'`: it has no LATERAL joins.
 * @param manager options of a manager of its own, or one that others use too
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * const db = withConnectionManager({ schema, mode: 'default' }, { databaseUrl: 'mysql://app:secret@db1/app' })
 * const users = await db.query.users.findMany()
 */
export function withConnectionManager<TSchema extends DrizzleSchema = NoSchema>(
  config: DatabaseConfig<TSchema> & { readonly replicas: true },
  manager?: MysqlManagerOptions | MysqlConnectionManager,
): ManagedReplicatedDatabase<TSchema>
export function withConnectionManager<TSchema extends DrizzleSchema = NoSchema>(
  config?: DatabaseConfig<TSchema> & { readonly replicas?: false },
  manager?: MysqlManagerOptions | MysqlConnectionManager,
): ManagedDatabase<TSchema>
export function withConnectionManager(
  config: Config & { readonly replicas?: boolean } = {},
  manager: MysqlManagerOptions | MysqlConnectionManager = {},
): unknown {
  return openDatabase(MYSQL, config, manager)
}
