import type { PgManagerOptions } from '@connmgr/pg'
import { Opened, type PostgresCluster, startCluster } from '@connmgr/testing'
import { DataSource } from 'typeorm'
import type { PostgresDataSourceOptions } from '../managed-types.js'
import { getConnections, withConnectionManager } from '../with-connection-manager.js'
import { managerFor } from './connection-options.js'

const opened = new Opened()
afterEach(() => opened.close())

const manager = (options: object, managerOptions: PgManagerOptions = {}) =>
  opened.add(
    managerFor({ type: 'postgres', ...options } as PostgresDataSourceOptions, {
      logger: false,
      ...managerOptions,
    }),
  )
const endpoints = (options: object, managerOptions?: PgManagerOptions) =>
  manager(options, managerOptions)
    .getFailoverStatus()
    .endpoints.map((each) => each.id)
const URL = 'postgres://u:p@h:6000/d'

describe('the servers of a DataSource', () => {
  const environment = { ...process.env }
  afterEach(() => {
    process.env = { ...environment }
  })

  test.each<[string, object, PgManagerOptions, string[]]>([
    ['a URL', { url: URL }, {}, ['h:6000/d']],
    ['parts', { host: 'a', port: 1, username: 'u', database: 'd' }, {}, ['a:1/d']],
    [
      'a URL, which wins over parts as with pg',
      { url: URL, host: 'a', database: 'x' },
      {},
      ['h:6000/d'],
    ],
    [
      'a URL that leaves the database to a part',
      { url: 'postgres://u@h', database: 'x' },
      {},
      ['h:5432/x'],
    ],
    [
      'extra, which wins',
      { host: 'a', database: 'd', extra: { host: 'b', port: 2 } },
      {},
      ['b:2/d'],
    ],
    [
      'a URL in extra',
      { url: URL, extra: { connectionString: 'postgres://u@x/y' } },
      {},
      ['x:5432/y'],
    ],
    [
      'a socket in extra',
      { database: 'd', extra: { host: '/cloudsql/p:r:i' } },
      {},
      ['/cloudsql/p:r:i:5432/d'],
    ],
    [
      'replication',
      { replication: { master: { url: URL }, slaves: [{ url: 'postgres://u@s/d' }] } },
      {},
      ['h:6000/d', 's:5432/d'],
    ],
    [
      'further ones of the manager',
      { url: URL },
      { failoverUrls: ['postgres://f'] },
      ['h:6000/d', 'f:5432/d'],
    ],
    ['the manager’s own', { url: URL }, { databaseUrl: 'postgres://u@m/d' }, ['m:5432/d']],
    ['the manager’s own in parts', { url: URL }, { host: 'm', database: 'd' }, ['m:5432/d']],
    [
      'the environment for one that names none',
      {},
      {},
      ['envhost:5432/env', 'envfailover:5432/env'],
    ],
  ])('are those of %s', (_name, options, managerOptions, expected) => {
    process.env.DATABASE_URL = 'postgres://u@envhost/env'
    process.env.DATABASE_FAILOVER_URLS = 'postgres://u@envfailover/env'
    expect(endpoints(options, managerOptions)).toEqual(expected)
  })

  test('are of one database', () => {
    expect(() => endpoints({ url: URL }, { failoverUrls: ['postgres://f/other'] })).toThrow(
      /h:6000\/d and f:5432\/other name two databases/,
    )
    expect(() =>
      endpoints({
        replication: { master: { url: URL }, slaves: [{ url: 'postgres://u@s/other' }] },
      }),
    ).toThrow(/two databases/)
  })
})

describe('pool settings', () => {
  test.each<[object, PgManagerOptions, object]>([
    [{ poolSize: 3 }, {}, { poolSize: 3, maxOverflow: 0 }],
    [{ poolSize: 3, extra: { max: 7 } }, {}, { poolSize: 7, maxOverflow: 0 }],
    [{ extra: { max: 7 } }, { poolSize: 2, maxOverflow: 1 }, { poolSize: 2, maxOverflow: 1 }],
    [{ connectTimeoutMS: 100 }, {}, { acquireTimeoutMs: 100 }],
    [
      { connectTimeoutMS: 100, extra: { connectionTimeoutMillis: 200 } },
      {},
      { acquireTimeoutMs: 200 },
    ],
    [{ extra: { connectionTimeoutMillis: 0 } }, {}, { acquireTimeoutMs: 30_000 }],
    [{ extra: { idleTimeoutMillis: 300 } }, {}, { idleTimeoutMs: 300 }],
    [
      { extra: { maxLifetimeSeconds: 5, maxUses: 6, min: 1 } },
      {},
      { maxLifetimeMs: 5000, maxUses: 6, minIdle: 1 },
    ],
    [{ extra: { allowExitOnIdle: true } }, {}, { allowExitOnIdle: true }],
    [{}, {}, { poolSize: 5, maxOverflow: 10 }],
    [
      { url: `${URL}?connection_limit=2&pool_timeout=1` },
      {},
      { poolSize: 2, maxOverflow: 0, acquireTimeoutMs: 1000 },
    ],
    [{ url: `${URL}?connection_limit=2`, poolSize: 4 }, {}, { poolSize: 4 }],
  ])('%j with %j', (options, managerOptions, expected) => {
    const made = manager({ url: URL, ...options }, managerOptions)
    expect(made.getPoolSettings()).toMatchObject(expected)
  })

  test('of other pools are named', () => {
    expect(() => manager({ url: URL, extra: { connectionLimit: 5 } })).toThrow(
      /"connectionLimit" in the DataSource's option extra; here it is "poolSize": poolSize: 5/,
    )
  })
})

describe('on a server', () => {
  let cluster: PostgresCluster
  beforeAll(async () => {
    cluster = await startCluster({ hbaMethod: 'scram-sha-256' })
  })
  afterAll(() => cluster.stop())

  test('what extra has for the client arrives there, and wins', async () => {
    const dataSource = new DataSource(
      withConnectionManager(
        {
          type: 'postgres',
          host: '127.0.0.1',
          port: cluster.primary.port,
          username: 'postgres',
          password: 'wrong',
          database: 'postgres',
          applicationName: 'general',
          extra: {
            password: async () => 'postgres-secret',
            application_name: 'special',
            statement_timeout: 4321,
            options: '-c search_path=shop',
            max: 2,
          },
        },
        { logger: false },
      ),
    )
    await dataSource.initialize()
    expect(
      await dataSource.query(`select current_setting('application_name') as name,
        current_setting('statement_timeout') as timeout, current_setting('search_path') as path`),
    ).toEqual([{ name: 'special', timeout: '4321ms', path: 'shop' }])
    expect(getConnections(dataSource).getPoolMetrics().limit).toBe(2)
    await dataSource.destroy()
  })

  test('query_timeout of extra ends a query, and nothing of it is taken for the server’s fault', async () => {
    const dataSource = new DataSource(
      withConnectionManager(
        { type: 'postgres', url: cluster.primary.url(), extra: { query_timeout: 200 } },
        { logger: false },
      ),
    )
    await dataSource.initialize()
    await expect(dataSource.query('select pg_sleep(600)')).rejects.toThrow(/Query read timeout/)
    expect(await dataSource.query('select 1 as n')).toEqual([{ n: 1 }])
    await dataSource.destroy()
  })
})
