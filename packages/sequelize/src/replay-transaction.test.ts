import { describeReplay } from '@connmgr/testing'
import { DataTypes, Sequelize, Transaction } from 'sequelize'
import { catalogRead } from '../../pg/test/known-catalog.js'
import { replayTransaction } from './replay-transaction.js'
import { getConnections, withConnectionManager } from './with-connection-manager.js'

describeReplay('Sequelize', {
  table: 'item',
  createTable: 'create table item (id int primary key)',
  isThirteen: 'new.id = 13',
  slowInsert: 'insert into item select 1 from pg_sleep(60)',
  codeIn: 'parent',
  serializable: Transaction.ISOLATION_LEVELS.SERIALIZABLE,
  open(url) {
    const sequelize = withConnectionManager(
      new Sequelize(url, { dialect: 'postgres', logging: false }),
      { logger: false },
    )
    const Item = sequelize.define(
      'item',
      { id: { type: DataTypes.INTEGER, primaryKey: true } },
      { freezeTableName: true, timestamps: false },
    )
    const verbsOf = (transaction?: Transaction) => {
      const within = transaction === undefined ? {} : { transaction }
      return {
        insert: (id: number) => Item.create({ id }, within),
        count: () => Item.count(within),
        query: (text: string) => sequelize.query(text, within),
      }
    }
    const connections = getConnections(sequelize)
    return {
      ...verbsOf(),
      connections,
      replayTransaction: (work, { isolation, ...options } = {}) =>
        replayTransaction(
          sequelize,
          (transaction, attempt) => work(verbsOf(transaction), attempt),
          options,
          isolation === undefined ? {} : { isolationLevel: isolation as never },
        ),
      transaction: (work) => sequelize.transaction((transaction) => work(verbsOf(transaction))),
      ids: async () => (await Item.findAll()).map((item) => item.get('id') as number),
      catalogRead: () => catalogRead(connections.pool as never),
      close: () => sequelize.close(),
    }
  },
})
