import { createConnectionManager } from '@connmgr/mysql'
import { describeEachProduct, type MysqlCluster } from '@connmgr/testing'
import { describeAdapter } from '../../test/describe-adapter.js'

describeEachProduct('TypeORM', ({ product, start }) => {
  let cluster: MysqlCluster

  describeAdapter({
    type: product.id,
    start: async () => {
      cluster = await start()
    },
    stop: () => cluster.stop(),
    empty: () => cluster.primary.emptyDatabase(),
    dataSourceOptions: () => ({ type: product.id, url: cluster.primary.url() }),
    createManager: () =>
      createConnectionManager({ databaseUrl: cluster.primary.url(), logger: false }),
    twoConnections: { poolSize: 2, maxOverflow: 0 },
    streams: true,
    conflict: async (entities) => {
      await cluster.primary.query('create table conflicts (n int)')
      await cluster.primary.query(
        `create trigger conflicts before insert on conflicts for each row
           signal sqlstate '40001' set mysql_errno = 1213, message_text = 'no'`,
      )
      await entities.query('insert into conflicts values (1)')
    },
  })
})
