import { createConnectionManager } from '@connmgr/pg'
import { type PostgresCluster, startCluster } from '@connmgr/testing'
import { describeAdapter } from '../../test/describe-adapter.js'

describe.each([
  ['TypeORM on PostgreSQL', false],
  ['TypeORM on PostgreSQL with shared connections', true],
])('%s', (_name, shared) => {
  let cluster: PostgresCluster

  describeAdapter({
    type: 'postgres',
    start: async () => {
      cluster = await startCluster()
    },
    stop: () => cluster.stop(),
    empty: async () => {
      await cluster.primary.query('drop schema public cascade; create schema public')
    },
    dataSourceOptions: () => ({ type: 'postgres', url: cluster.primary.url() }),
    createManager: () =>
      createConnectionManager({ databaseUrl: cluster.primary.url(), shared, logger: false }),
    managerOptions: { shared },
    twoConnections: { poolSize: 2, maxOverflow: 0 },
    streams: true,
    conflict: (entities) =>
      entities.query("do $$ begin raise exception 'no' using errcode = '40001'; end $$"),
  })
})
