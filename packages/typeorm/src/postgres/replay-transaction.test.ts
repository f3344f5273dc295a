import { describeReplay } from '@connmgr/testing'
import { Column, DataSource, Entity, type EntityManager, PrimaryColumn } from 'typeorm'
import { catalogRead } from '../../../pg/test/known-catalog.js'
import { replayTransaction } from '../replay-transaction.js'
import { getConnections, withConnectionManager } from '../with-connection-manager.js'

@Entity('item')
class Item {
  @PrimaryColumn('int')
  id!: number

  @Column({ type: 'text', default: '' })
  name!: string
}

describeReplay('TypeORM', {
  table: 'item',
  createTable: "create table item (id int primary key, name text not null default '')",
  isThirteen: 'new.id = 13',
  slowInsert: 'insert into item select 1 from pg_sleep(60)',
  codeIn: 'error',
  serializable: 'SERIALIZABLE',
  async open(url) {
    const dataSource = new DataSource(
      withConnectionManager({ type: 'postgres', url, entities: [Item] }, { logger: false }),
    )
    await dataSource.initialize()
    const connections = getConnections(dataSource)
    return {
      ...verbsOf(dataSource.manager),
      connections,
      replayTransaction: (work, { isolation, ...options } = {}) =>
        replayTransaction(dataSource, (entities, attempt) => work(verbsOf(entities), attempt), {
          ...options,
          ...(isolation === undefined ? {} : { isolation: isolation as 'SERIALIZABLE' }),
        }),
      transaction: (work) => dataSource.transaction((entities) => work(verbsOf(entities))),
      ids: async () => (await dataSource.getRepository(Item).find()).map(({ id }) => id),
      catalogRead: () => catalogRead(connections.pool),
      close: () => dataSource.destroy(),
    }
  },
})

function verbsOf(entities: EntityManager) {
  return {
    insert: (id: number) => entities.insert(Item, { id }),
    count: () => entities.count(Item),
    query: (text: string) => entities.query(text),
  }
}
