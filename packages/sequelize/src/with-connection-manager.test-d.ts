import type { MysqlConnectionManager } from '@connmgr/mysql'
import type { PgConnectionManager } from '@connmgr/pg'
import { getConnections, replayTransaction, withConnectionManager } from '@connmgr/sequelize'
import { expectTypeOf } from 'expect-type'
import { Sequelize, type Transaction } from 'sequelize'

class OwnSequelize extends Sequelize {
  readonly own = 1
}

async function keepsTheTypeOfSequelize(): Promise<void> {
  const sequelize = withConnectionManager(new OwnSequelize({ dialect: 'postgres' }), {
    poolSize: 3,
    replicas: true,
  })
  expectTypeOf(sequelize).toEqualTypeOf<OwnSequelize>()
  const connections = getConnections(sequelize)
  expectTypeOf(connections).toEqualTypeOf<PgConnectionManager | MysqlConnectionManager>()
  expectTypeOf(connections.getPoolMetrics().checkedOut).toEqualTypeOf<number>()
  const result = await replayTransaction(
    sequelize,
    async (transaction, attempt) => {
      expectTypeOf(transaction).toEqualTypeOf<Transaction>()
      expectTypeOf(attempt).toEqualTypeOf<number>()
      return 'done'
    },
    { replay: 'idempotent' },
    { readOnly: true },
  )
  expectTypeOf(result).toEqualTypeOf<string>()
}

function refusesWhatIsNotAnOption(sequelize: Sequelize): void {
  withConnectionManager(sequelize, { connectionConfig: { charset: 'utf8mb4' } })
  withConnectionManager(sequelize, { clientConfig: { application_name: 'shop' } })
  // @ts-expect-error it is called poolSize
  withConnectionManager(sequelize, { poolsize: 5 })
  // @ts-expect-error replicas is yes or no
  withConnectionManager(sequelize, { replicas: 2 })
}

export { keepsTheTypeOfSequelize, refusesWhatIsNotAnOption }
