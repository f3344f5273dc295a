import { inspect } from 'node:util'
import { Opened } from '@connmgr/testing'
import { createConnectionManager } from './create-connection-manager.js'
import { resolveEndpoints } from './endpoint-options.js'

const SECRET = 's3cr3t'
const urls = (options: Parameters<typeof resolveEndpoints>[0], env = {}) =>
  resolveEndpoints(options, env).map((each) => each.id)

const opened = new Opened()
afterEach(() => opened.close())

describe('where the servers are', () => {
  test('comes from the options first, then from the environment', () => {
    const env = {
      DATABASE_URL: 'postgres://u@env/db',
      DATABASE_FAILOVER_URLS: 'postgres://u@f1/db',
    }
    expect(urls({}, env)).toEqual(['env:5432/db', 'f1:5432/db'])
    expect(urls({ databaseUrl: 'postgresql://u@mine:6000/db' }, env)).toEqual(['mine:6000/db'])
    expect(urls({ failoverUrls: [] }, env)).toEqual(['env:5432/db'])
  })

  test('a list is split on commas that precede a scheme, as passwords may hold commas', () => {
    const list = 'postgres://u:a,b@h1/db, postgresql://u:c@h2/db'
    expect(urls({ databaseUrl: 'postgres://u@h0/db', failoverUrls: list })).toEqual([
      'h0:5432/db',
      'h1:5432/db',
      'h2:5432/db',
    ])
  })

  test('the password is there for the driver alone', () => {
    const [endpoint] = resolveEndpoints({ databaseUrl: `postgres://u:${SECRET}@h/db` }, {})
    expect(endpoint?.config).toHaveProperty('password', SECRET)
    expect(inspect(endpoint, { depth: 9, showHidden: false })).not.toContain(SECRET)
    expect(JSON.stringify(endpoint)).not.toContain(SECRET)
    const manager = createConnectionManager({ databaseUrl: `postgres://u:${SECRET}@h/db` })
    expect(inspect(opened.add(manager), { depth: 9 })).not.toContain(SECRET)
  })

  test.each([
    ['nothing at all', {}, 'databaseUrl', 'DATABASE_URL'],
    ['another scheme', { databaseUrl: `mysql://u:${SECRET}@h/db` }, 'databaseUrl', 'postgres://'],
    ['no scheme', { databaseUrl: `u:${SECRET}@h/db` }, 'databaseUrl', 'postgres://'],
    [
      'several hosts',
      { databaseUrl: `postgres://u:${SECRET}@h1,h2/db` },
      'databaseUrl',
      'failoverUrls',
    ],
    [
      'a bad port',
      { databaseUrl: `postgres://u:${SECRET}@h:port/db` },
      'databaseUrl',
      'percent-encoded',
    ],
    [
      'a password with an @',
      { databaseUrl: `postgres://u:${SECRET}@@@:h/db` },
      'databaseUrl',
      'percent-encoded',
    ],
    ['the password alone', { databaseUrl: SECRET }, 'databaseUrl', 'postgres://'],
    [
      'a key-value string',
      { databaseUrl: `host=h password=${SECRET}` },
      'databaseUrl',
      'postgres://',
    ],
    ['no scheme', { databaseUrl: `u:${SECRET}@h` }, 'databaseUrl', 'postgres://'],
    [
      'an encoded parameter',
      { databaseUrl: `mysql://h/d?pass%77ord=${SECRET}` },
      'databaseUrl',
      'postgres://',
    ],
    ['a number', { databaseUrl: 5 as unknown as string }, 'databaseUrl', 'connection URL'],
    ['an empty text', { databaseUrl: ' ' }, 'databaseUrl', 'empty'],
    [
      'failover to another scheme',
      { databaseUrl: 'postgres://h/db', failoverUrls: [`http://u:${SECRET}@h/db`] },
      'failoverUrls[0]',
      'postgres://',
    ],
    [
      'failover to itself',
      { databaseUrl: 'postgres://h/db', failoverUrls: ['postgres://h/db'] },
      'failoverUrls',
      'once',
    ],
    [
      'failover to a number',
      { databaseUrl: 'postgres://h/db', failoverUrls: 7 as unknown as string },
      'failoverUrls',
      'array',
    ],
  ])(
    '%s is an error that names the option and the fix, without the secret',
    (_name, options, option, fix) => {
      let error: unknown
      try {
        resolveEndpoints(options, {})
      } catch (thrown) {
        error = thrown
      }
      expect(error).toMatchObject({
        code: 'CONNMGR_INVALID_OPTION',
        option,
        message: expect.stringContaining(fix),
      })
      expect((error as Error).message).toContain(option)
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET)
    },
  )

  test('an error about the environment names the variable', () => {
    expect(() => resolveEndpoints({}, { DATABASE_URL: 'http://h' })).toThrow(/"DATABASE_URL"/)
    expect(() =>
      resolveEndpoints({}, { DATABASE_URL: 'postgres://h/d', DATABASE_FAILOVER_URLS: 'nonsense' }),
    ).toThrow(/"DATABASE_FAILOVER_URLS"/)
  })
})

describe('options of the manager', () => {
  const databaseUrl = 'postgres://u@h/db'

  test.each([
    [{ poolsize: 5 }, /unknown option "poolsize".*"poolSize"/],
    [{ poolSize: -1 }, /"poolSize" must be a whole number/],
    [{ poolSize: 2.5 }, /"poolSize"/],
    [{ poolSize: Number.NaN }, /"poolSize"/],
    [{ maxOverflow: Number.POSITIVE_INFINITY }, /"maxOverflow"/],
    [{ poolSize: 0, maxOverflow: 0 }, /"poolSize".*at least 1/],
    [{ poolSize: 2, minIdle: 3 }, /"minIdle".*at most poolSize/],
    [{ acquireTimeoutMs: 0 }, /"acquireTimeoutMs"/],
    [{ acquireTimeoutMs: '5s' }, /"acquireTimeoutMs"/],
    [{ prePing: 'yes' }, /"prePing" must be true or false/],
    [{ reset: 'sometimes' }, /"reset" must be one of/],
    [{ idleOrder: 'random' }, /"idleOrder"/],
    [{ leakDetection: { threshold: 5 } }, /unknown option "threshold".*"thresholdMs"/],
    [{ leakDetection: { captureStack: 'maybe' } }, /"leakDetection.captureStack"/],
    [{ leakDetection: 5 }, /"leakDetection" must be true, false or an object/],
    [{ healthMonitoring: { intervalMs: 1 } }, /"healthMonitoring.intervalMs"/],
    [{ failover: { mode: 'fast' } }, /"failover.mode"/],
    [{ failover: { retries: 3 } }, /unknown option "retries"/],
    [{ failover: { retryAttempts: 0 } }, /"failover.retryAttempts"/],
    [{ logger: {} }, /"logger".*debug, info, warn and error/],
    [{ name: '' }, /"name"/],
    [{ onConnect: 5 }, /"onConnect" must be a function/],
  ])('%j is refused with the option, the value and the fix', (options, message) => {
    const create = () => createConnectionManager({ databaseUrl, ...(options as object) })
    expect(create).toThrow(message)
    expect(create).toThrow(expect.objectContaining({ code: 'CONNMGR_INVALID_OPTION' }))
  })

  test('pool sizes come from the environment if they are not given', () => {
    process.env.DB_POOL_SIZE = '7'
    process.env.DB_MAX_OVERFLOW = '3'
    try {
      expect(opened.add(createConnectionManager({ databaseUrl })).getPoolMetrics()).toMatchObject({
        size: 7,
        limit: 10,
      })
      expect(
        opened.add(createConnectionManager({ databaseUrl, poolSize: 1 })).getPoolMetrics(),
      ).toMatchObject({
        size: 1,
        limit: 4,
      })
      process.env.DB_POOL_SIZE = 'many'
      expect(() => createConnectionManager({ databaseUrl })).toThrow(/"DB_POOL_SIZE".*"many"/)
    } finally {
      delete process.env.DB_POOL_SIZE
      delete process.env.DB_MAX_OVERFLOW
    }
  })

  test('a manager in the place of options is refused', () => {
    const manager = opened.add(createConnectionManager({ databaseUrl }))
    expect(() => createConnectionManager(manager as object)).toThrow(/another copy of @connmgr\/pg/)
  })
})
