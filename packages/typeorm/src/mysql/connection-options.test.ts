import { inspect } from 'node:util'
import type { MysqlManagerOptions } from '@connmgr/mysql'
import { Opened } from '@connmgr/testing'
import { DataSource } from 'typeorm'
import { withConnectionManager } from '../index.js'
import type { MysqlDataSourceOptions } from '../managed-types.js'
import { managerFor } from './connection-options.js'

const URL = 'mysql://u:s3cr3t@h:6000/d'
const environment = { ...process.env }
const opened = new Opened()
afterEach(async () => {
  process.env = { ...environment }
  await opened.close()
})

const manager = (options: object, managerOptions: MysqlManagerOptions = {}) =>
  opened.add(
    managerFor({ type: 'mysql', ...options } as MysqlDataSourceOptions, {
      logger: false,
      ...managerOptions,
    }),
  )
const endpoints = (options: object, managerOptions?: MysqlManagerOptions) =>
  manager(options, managerOptions)
    .getFailoverStatus()
    .endpoints.map((each) => each.id)

describe('the servers of a DataSource for MySQL', () => {
  test.each<[string, object, MysqlManagerOptions, string[]]>([
    ['a URL', { url: URL }, {}, ['h:6000/d']],
    ['parts', { host: 'a', port: 1, username: 'u', database: 'd' }, {}, ['a:1/d']],
    ['a URL, which wins over parts', { url: URL, host: 'a', database: 'x' }, {}, ['h:6000/d']],
    [
      'a URL that leaves the database to a part',
      { url: 'mysql://h', database: 'x' },
      {},
      ['h:3306/x'],
    ],
    [
      'extra, which wins',
      { host: 'a', database: 'd', extra: { host: 'b', port: 2 } },
      {},
      ['b:2/d'],
    ],
    ['a socket', { socketPath: '/run/s', database: 'd' }, {}, ['/run/s:d']],
    [
      'further servers of the manager',
      { url: URL },
      { failoverUrls: ['mysql://i', 'mysql://j:1/d'] },
      ['h:6000/d', 'i:3306/d', 'j:1/d'],
    ],
    [
      'replication, without naming a server twice',
      { replication: { master: { url: URL }, slaves: [{ host: 'i', database: 'd' }] } },
      { failoverUrls: ['mysql://i', 'mysql://j'] },
      ['h:6000/d', 'i:3306/d', 'j:3306/d'],
    ],
    ['the manager, which wins', { url: URL }, { databaseUrl: 'mysql://x/y' }, ['x:3306/y']],
  ])('are those of %s', (_name, options, managerOptions, expected) => {
    expect(endpoints(options, managerOptions)).toEqual(expected)
  })

  test('are those of the environment if neither names one', () => {
    process.env.DATABASE_URL = 'mysql://e/d'
    process.env.DATABASE_FAILOVER_URLS = 'mysql://f/d'
    expect(endpoints({})).toEqual(['e:3306/d', 'f:3306/d'])
    expect(endpoints({ url: URL })).toEqual(['h:6000/d'])
  })

  test('are named by the option that is wrong, without a password', () => {
    for (const [options, option] of [
      [{ url: 'postgres://u:s3cr3t@h/d' }, 'url'],
      [
        { replication: { master: { url: URL }, slaves: [{ url: 'pg://u:s3cr3t@i/d' }] } },
        'replication.slaves[0].url',
      ],
    ] as const)
      expect(() => manager(options)).toThrow(
        expect.objectContaining({
          code: 'CONNMGR_INVALID_OPTION',
          option,
          message: expect.not.stringContaining('s3cr3t'),
        }),
      )
  })
})

describe('what mysql2 is set to', () => {
  const configOf = (options: object, managerOptions?: MysqlManagerOptions) =>
    manager(options, managerOptions).preferred.config as Record<string, unknown>

  test('is what TypeORM sets it to', () => {
    expect(
      configOf({ url: URL, charset: 'utf8mb4', timezone: 'Z', dateStrings: true }),
    ).toMatchObject({
      user: 'u',
      password: 's3cr3t',
      charset: 'utf8mb4',
      timezone: 'Z',
      dateStrings: true,
      supportBigNumbers: true,
      bigNumberStrings: true,
      stringifyObjects: true,
    })
    expect(configOf({ url: URL, bigNumberStrings: false })).toMatchObject({
      bigNumberStrings: false,
    })
  })

  test('is what the options of the manager say beyond that', () => {
    expect(
      configOf({ url: URL }, { connectionConfig: { jsonStrings: true }, ssl: { ca: 'x' } }),
    ).toMatchObject({ jsonStrings: true, ssl: { ca: 'x' }, stringifyObjects: true })
    expect(configOf({ url: URL }, { host: 'elsewhere', password: 'other' })).toMatchObject({
      host: 'elsewhere',
      password: 'other',
      stringifyObjects: true,
    })
    expect(configOf({ host: 'a', password: 'mine' })).toMatchObject({ password: 'mine' })
  })
})

describe('the pool of a DataSource for MySQL', () => {
  const metrics = (options: object, managerOptions?: MysqlManagerOptions) =>
    manager({ url: URL, ...options }, managerOptions).getPoolMetrics()

  test('has the size that TypeORM names, without overflow, and else that of the manager', () => {
    expect(metrics({ poolSize: 3 })).toMatchObject({ size: 3, limit: 3 })
    expect(metrics({ extra: { connectionLimit: 4 } })).toMatchObject({ size: 4, limit: 4 })
    expect(metrics({})).toMatchObject({ size: 5, limit: 15 })
    expect(metrics({ poolSize: 3 }, { maxOverflow: 2 })).toMatchObject({ size: 3, limit: 5 })
    expect(metrics({ url: `${URL}?connection_limit=7` })).toMatchObject({ size: 7, limit: 7 })
  })

  test('is shown without a password', () => {
    const dataSource = new DataSource(
      withConnectionManager({ type: 'mysql', host: 'h', password: 's3cr3t' }, { logger: false }),
    )
    const { mysql } = dataSource.driver as unknown as { mysql: { createPool(): unknown } }
    expect(inspect([mysql, mysql.createPool()], { depth: 9 })).not.toContain('s3cr3t')
  })

  test('refuses what is no option', () => {
    expect(() => metrics({}, { poolsize: 5 } as MysqlManagerOptions)).toThrow(
      /did you mean "poolSize"/,
    )
    expect(() => metrics({ extra: { conectionLimit: 5 } })).toThrow(/conectionLimit/)
  })
})
