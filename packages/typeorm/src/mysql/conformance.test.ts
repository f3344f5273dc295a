import { createConnectionManager } from '@connmgr/mysql'
import { describeMariadb, type MariadbCluster, startMariadb } from '@connmgr/testing'
import { describeAdapter } from '../../test/describe-adapter.js'

describeMariadb('TypeORM on MariaDB', () => {
  let cluster: MariadbCluster

  describeAdapter({
    type: 'mariadb',
    start: async () => {
      cluster = await startMariadb()
    },
    stop: () => cluster.stop(),
    empty: async () => {
      await cluster.primary.query(
        'set statement foreign_key_checks = 0 for create or replace database app',
      )
    },
    dataSourceOptions: () => ({ type: 'mariadb', url: cluster.primary.url() }),
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
