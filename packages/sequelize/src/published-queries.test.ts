import { describePublishedQueries, type PostgresCluster, startItems } from '@connmgr/testing'
import { DataTypes, Op, Sequelize, type Transaction } from 'sequelize'
import { getConnections, withConnectionManager } from './with-connection-manager.js'

let cluster: PostgresCluster

beforeAll(async () => {
  cluster = await startItems()
})
afterAll(() => cluster.stop())

describePublishedQueries('Sequelize on PostgreSQL', () => {
  const sequelize = withConnectionManager(
    new Sequelize(cluster.primary.url(), { logging: false }),
    { logger: false },
  )
  const items = sequelize.define(
    'Item',
    { id: { type: DataTypes.INTEGER, primaryKey: true } },
    { tableName: 'items', timestamps: false },
  )
  const read = (transaction?: Transaction) =>
    items.findAll({
      where: { id: { [Op.gt]: 1 } },
      ...(transaction === undefined ? {} : { transaction }),
    })
  const transact = (finish: () => void) =>
    sequelize.transaction(async (transaction) => {
      await read(transaction)
      await read(transaction)
      finish()
    })
  return {
    manager: getConnections(sequelize),
    read: () => read(),
    fail: () => sequelize.query('select no_such_column'),
    transact,
    text: /^SELECT "id" FROM "items" AS "Item" WHERE "Item"\."id" > 1;$/,
    close: () => sequelize.close(),
  }
})
