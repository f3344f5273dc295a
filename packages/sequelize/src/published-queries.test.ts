import { describePublishedQueries, type PostgresCluster, startCluster } from '@connmgr/testing'
import { DataTypes, Op, Sequelize, type Transaction } from 'sequelize'
import { getConnections, withConnectionManager } from './with-connection-manager.js'

let cluster: PostgresCluster

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query('create table items (id int primary key)')
  await cluster.primary.query('insert into items select generate_series(1, 3)')
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
  const transact = (undo: boolean) =>
    sequelize.transaction(async (transaction) => {
      await read(transaction)
      await read(transaction)
      if (undo) throw new Error('undo')
    })
  return {
    manager: getConnections(sequelize),
    read: () => read(),
    fail: () => sequelize.query('select no_such_column'),
    transact: () => transact(false),
    rollBack: () => transact(true),
    text: /^SELECT "id" FROM "items" AS "Item" WHERE "Item"\."id" > 1;$/,
    rows: 2,
    close: () => sequelize.close(),
  }
})
