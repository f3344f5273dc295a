import type { ManagerOptions } from '../options.js'
import { MANAGER_OPTION_NAMES, resolveManagerOptions } from './resolve.js'

const resolve = (options: object, env: NodeJS.ProcessEnv = {}) =>
  resolveManagerOptions(options as ManagerOptions<object>, 'fallback', env)

test('without options everything has the documented default', () => {
  const { pool, leaks, health, failover, ...rest } = resolve({})
  expect(pool).toMatchObject({
    exclusive: false,
    poolSize: 5,
    maxOverflow: 10,
    minIdle: 0,
    acquireTimeoutMs: 30_000,
    connectTimeoutMs: 5000,
    maxLifetimeMs: 3_600_000,
    lifetimeJitter: 0.1,
    idleTimeoutMs: 600_000,
    maxUses: Number.POSITIVE_INFINITY,
    prePing: true,
    prePingBypassMs: 500,
    validateTimeoutMs: 5000,
    maxWaiters: Number.POSITIVE_INFINITY,
    reset: 'auto',
    resetTimeoutMs: 5000,
    closeTimeoutMs: 1000,
    idleOrder: 'lifo',
    connectConcurrency: 4,
  })
  expect(leaks).toEqual({
    thresholdMs: 300_000,
    captureStack: 'adaptive',
    reclaim: false,
    detectNested: false,
  })
  expect(health).toEqual({
    intervalMs: 60_000,
    timeoutMs: 5000,
    history: 100,
    unhealthyAfterMs: 5000,
    healthyAfterMs: 1000,
    restAfterMs: Number.POSITIVE_INFINITY,
  })
  expect(failover).toMatchObject({ probeIntervalMs: 500, maxLagMs: 10_000, autoFailback: true })
  expect(rest).toMatchObject({
    name: 'fallback',
    healthMonitoring: true,
    failoverMode: undefined,
  })
})

test('the environment sizes the pool unless the options do', () => {
  const env = { DB_POOL_SIZE: '3', DB_MAX_OVERFLOW: '0' }
  expect(resolve({}, env).pool).toMatchObject({ poolSize: 3, maxOverflow: 0 })
  expect(resolve({ poolSize: 4 }, env).pool).toMatchObject({ poolSize: 4, maxOverflow: 0 })
})

test.each<[object, string]>([
  [{ poolSize: 0, maxOverflow: 0 }, 'poolSize'],
  [{ poolSize: 2, minIdle: 3 }, 'minIdle'],
  [{ name: ' ' }, 'name'],
  [{ reset: 'all' }, 'reset'],
  [{ onConnect: 'select 1' }, 'onConnect'],
  [{ logger: { info() {} } }, 'logger'],
  [{ logger: true }, 'logger'],
  [{ leakDetection: { thresholdMs: -1 } }, 'leakDetection.thresholdMs'],
  [{ leakDetection: { captureStack: 'sometimes' } }, 'leakDetection.captureStack'],
  [{ leakDetection: { reclaim: 1 } }, 'leakDetection.reclaim'],
  [{ healthMonitoring: { intervalMs: 0 } }, 'healthMonitoring.intervalMs'],
  [{ healthMonitoring: 'on' }, 'healthMonitoring'],
  [{ failover: { mode: 'random' } }, 'failover.mode'],
  [{ failover: { probeIntervalMs: 0 } }, 'failover.probeIntervalMs'],
  [{ failover: { autoFailback: 'yes' } }, 'failover.autoFailback'],
  [{ failover: { retries: 3 } }, 'retries'],
  [{ failover: true }, 'failover'],
  [{ failover: null }, 'failover'],
  [{ poolsize: 3 }, 'poolsize'],
])('%j is refused, naming the option', (options, option) => {
  expect(() => resolve(options)).toThrow(
    expect.objectContaining({ code: 'CONNMGR_INVALID_OPTION', option }),
  )
})

test.each([null, 5, 'postgres://'])('%j instead of options is refused', (options) => {
  expect(() => resolve(options as unknown as object)).toThrow(
    expect.objectContaining({ code: 'CONNMGR_INVALID_OPTION', option: 'options' }),
  )
})

test('every option name is unique', () => {
  expect(new Set(MANAGER_OPTION_NAMES).size).toBe(MANAGER_OPTION_NAMES.length)
})
