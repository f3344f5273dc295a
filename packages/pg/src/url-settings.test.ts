import { Opened } from '@connmgr/testing'
import { createConnectionManager } from './create-connection-manager.js'
import { ManagedPool } from './managed-pool.js'
import type { PgManagerOptions } from './manager-options.js'

const opened = new Opened()
afterEach(() => opened.close())

const url = (query: string): string => `postgres://u@h/d?${query}`
const settingsOf = (query: string, options: PgManagerOptions = {}) =>
  opened
    .add(createConnectionManager({ databaseUrl: url(query), logger: false, ...options }))
    .getPoolSettings()

test.each([
  ['connection_limit=5', { poolSize: 5, maxOverflow: 0 }],
  ['pool_timeout=20', { acquireTimeoutMs: 20_000 }],
  ['pool_timeout=0', { acquireTimeoutMs: 2 ** 31 - 1 }],
  ['connect_timeout=7', { connectTimeoutMs: 7000 }],
  ['connect_timeout=0', { connectTimeoutMs: 2 ** 31 - 1 }],
  ['max_connection_lifetime=60', { maxLifetimeMs: 60_000 }],
  ['max_connection_lifetime=0', { maxLifetimeMs: Number.POSITIVE_INFINITY }],
  ['max_idle_connection_lifetime=60', { idleTimeoutMs: 60_000 }],
])('%s in a URL is %j', (query, expected) => {
  expect(settingsOf(query)).toMatchObject(expected)
})

test('an option of the manager wins over the URL, and the URL over the environment', () => {
  process.env.DB_POOL_SIZE = '7'
  try {
    expect(settingsOf('connection_limit=5')).toMatchObject({ poolSize: 5, maxOverflow: 0 })
    expect(settingsOf('connection_limit=5', { poolSize: 2 })).toMatchObject({
      poolSize: 2,
      maxOverflow: 10,
    })
    expect(settingsOf('connection_limit=5', { maxOverflow: 3 })).toMatchObject({
      poolSize: 5,
      maxOverflow: 3,
    })
    expect(settingsOf('pool_timeout=5', { acquireTimeoutMs: 100 }).acquireTimeoutMs).toBe(100)
  } finally {
    delete process.env.DB_POOL_SIZE
  }
})

test('a pool takes it in place of pg-pool’s defaults, and its own options win', () => {
  const limits = (config: object) => {
    const connectionString = url('connection_limit=5')
    const pool = new ManagedPool({ connectionString, logger: false, ...config })
    opened.add(pool.$connections)
    return pool.options.max
  }
  expect(limits({})).toBe(5)
  expect(limits({ max: 3 })).toBe(3)
})

test('what a pooler in between asks for is taken over', async () => {
  const databaseUrl = url('pgbouncer=true')
  const { urlSettings } = opened.add(createConnectionManager({ databaseUrl, logger: false }))
  expect(urlSettings.options).toEqual({ reset: 'none' })
  expect(settingsOf('pgbouncer=false')).toMatchObject({ poolSize: 5 })
})

test.each([
  [
    'connection_limit=many',
    'connection_limit must be a whole number from 1 to 100000, but it is "many"',
  ],
  ['connection_limit=0', 'connection_limit must be a whole number from 1'],
  ['pool_timeout=-1', 'pool_timeout must be a whole number from 0'],
  ['pool_timeout=1.5', 'pool_timeout'],
  ['connect_timeout=10s', 'connect_timeout'],
  ['pgbouncer=yes', 'pgbouncer must be true or false'],
  ['statement_cache_size=x', 'statement_cache_size'],
])('%s is refused by its name', (query, message) => {
  expect(() => settingsOf(query)).toThrow(
    expect.objectContaining({
      code: 'CONNMGR_INVALID_OPTION',
      option: 'databaseUrl',
      message: expect.stringContaining(message),
    }),
  )
})
