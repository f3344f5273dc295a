import { createConnectionManager } from '@connmgr/mysql'
import { describeMariadb, type MariadbCluster, startMariadb } from '@connmgr/testing'
import { describeAdapter } from '../../test/describe-adapter.js'

describeMariadb('TypeORM on MariaDB', () => {
  let cluster: MariadbCluster

  describe.each(['mariadb', 'mysql'] as const)('by the type %s', (type) => {
    describeAdapter({
      type,
      start: async () => {
        cluster = await startMariadb()
      },
      stop: () => cluster.stop(),
      empty: async () => {
        await cluster.primary.query('create or replace database app')
      },
      dataSourceOptions: () => ({ type, url: cluster.primary.url() }),
      createManager: () =>
        createConnectionManager({ databaseUrl: cluster.primary.url(), logger: false }),
      twoConnections: { poolSize: 2, maxOverflow: 0 },
      streams: true,
      conflict: (entities) =>
        entities.query("signal sqlstate '40001' set mysql_errno = 1213, message_text = 'no'"),
    })
  })
})
