import { close, type Harness, manage, replicated } from '../../core/test/harness.js'
import { ask, readinessOf } from '../test/asking.js'
import { type HealthOptions, healthHandlers, type WatchedManager } from './index.js'

/** One server, monitored. */
const one = (options: Parameters<typeof manage>[0] = {}): Harness =>
  manage({ healthMonitoring: true, name: 'main', ...options })

const pair = (): Harness => replicated({ name: 'main' })

const watch = (h: Harness, options: HealthOptions = {}, more: Partial<WatchedManager> = {}) =>
  healthHandlers({ manager: h.manager, ...more }, { clock: h.clock, ...options })

/** Has the servers go down, and monitoring notice it. */
async function lose(h: Harness, ...servers: string[]): Promise<void> {
  for (const each of servers) h.driver.server(each).crash()
  await h.manager.checkHealth()
  await h.manager.checkHealth()
}

describe('liveness', () => {
  test('asks nothing of a manager, whatever has become of it', async () => {
    const h = one()
    const { live, shutdown } = watch(h)
    await h.clock.advance(1000)
    await lose(h, 'a')
    await h.clock.advance(100_000)
    const status = jest.spyOn(h.manager, 'getHealthStatus')
    expect(ask(live)).toEqual([200, { status: 'pass' }])
    expect(status).not.toHaveBeenCalled()
    await shutdown()
    await close(h)
    status.mockClear()
    expect(ask(live)).toEqual([200, { status: 'pass' }])
    expect(status).not.toHaveBeenCalled()
  })
})

describe('startup and readiness', () => {
  test('are 503 until the first connection, and 200 from then on', async () => {
    const h = one()
    h.driver.server('a').state = 'down'
    const { ready, startup } = watch(h)
    await h.clock.advance(500)
    expect(readinessOf(ready, 'main')).toEqual([503, 'fail', 'starting'])
    expect(ask(startup)).toMatchObject([503, { status: 'fail', output: 'no connection yet: main' }])
    h.driver.server('a').start()
    await h.clock.advance(20_000)
    expect(readinessOf(ready, 'main')).toEqual([200, 'pass', 'ok'])
    expect(ask(startup)[0]).toBe(200)
    await close(h)
  })

  test('have no grace for a start that never works', async () => {
    const h = one()
    h.driver.server('a').state = 'denied'
    const { ready, startup } = watch(h, { graceMs: Number.POSITIVE_INFINITY })
    await h.clock.advance(60_000)
    expect(readinessOf(ready, 'main')).toEqual([503, 'fail', 'starting'])
    expect(ask(startup)[0]).toBe(503)
    await close(h)
  })

  test('startup stays 200 in an outage', async () => {
    const h = one()
    const { startup } = watch(h, { graceMs: 0 })
    await h.clock.advance(1000)
    await lose(h, 'a')
    await h.clock.advance(60_000)
    expect(ask(startup)[0]).toBe(200)
    await close(h)
  })
})

describe('the grace period', () => {
  test.each([0, 1000, 30_000, 120_000])(
    'of %d ms counts from the last moment at which the database served, though readiness is asked late',
    async (graceMs) => {
      const h = one()
      const { ready } = watch(h, { graceMs })
      await h.clock.advance(1000)
      expect(ask(ready)[0]).toBe(200)
      // Between the latest request and the outage lies a time in which it has served.
      await h.clock.advance(50_000)
      await lose(h, 'a')
      if (graceMs > 0) {
        await h.clock.advance(graceMs - 1)
        expect(readinessOf(ready, 'main')).toEqual([200, 'warn', 'grace'])
      }
      await h.clock.advance(1)
      expect(readinessOf(ready, 'main')).toEqual([503, 'fail', 'unusable'])
      h.driver.server('a').start()
      await h.manager.checkHealth()
      expect(readinessOf(ready, 'main')).toEqual([200, 'pass', 'ok'])
      await close(h)
    },
  )

  test('begins anew with every time that the database has served', async () => {
    const h = one()
    const { ready } = watch(h)
    await h.clock.advance(1000)
    for (let round = 0; round < 3; round += 1) {
      await lose(h, 'a')
      await h.clock.advance(29_000)
      expect(ask(ready)[0]).toBe(200)
      h.driver.server('a').start()
      await h.manager.checkHealth()
    }
    await close(h)
  })

  test('may be endless', async () => {
    const h = one()
    const { ready } = watch(h, { graceMs: Number.POSITIVE_INFINITY })
    await h.clock.advance(1000)
    await lose(h, 'a')
    await h.clock.advance(10_000_000)
    expect(readinessOf(ready, 'main')).toEqual([200, 'warn', 'grace'])
    await close(h)
  })
})

describe('what is degraded stays 200', () => {
  test('without a standby', async () => {
    const h = pair()
    const { ready } = watch(h)
    await h.clock.advance(5000)
    expect(readinessOf(ready, 'main')).toEqual([200, 'pass', 'ok'])
    await lose(h, 'b')
    await h.clock.advance(60_000)
    const [status, { checks }] = ask(ready)
    expect(status).toBe(200)
    expect(checks?.['main:readiness']?.[0]?.output).toMatch(/out of service.*; no standby takes/)
    await close(h)
  })

  test('without a writer, as long as a standby takes reads; unless writes are required', async () => {
    const h = pair()
    const { ready } = watch(h)
    const strict = watch(h, {}, { requires: 'writes' })
    await h.clock.advance(5000)
    await lose(h, 'a')
    expect(readinessOf(strict.ready, 'main')).toEqual([200, 'warn', 'grace'])
    await h.clock.advance(60_000)
    expect(readinessOf(ready, 'main')).toEqual([200, 'warn', 'read-only'])
    expect(readinessOf(strict.ready, 'main')).toEqual([503, 'fail', 'unusable'])
    await lose(h, 'b')
    expect(readinessOf(ready, 'main')).toEqual([200, 'warn', 'grace'])
    await h.clock.advance(60_000)
    expect(readinessOf(ready, 'main')).toEqual([503, 'fail', 'unusable'])
    await close(h)
  })

  test.each([
    ['a standby', { role: 'standby', writable: false }],
    ['a primary that is set to read-only', { role: 'primary', writable: false }],
  ] as const)('with one server that is %s', async (_what, server) => {
    const h = one()
    const { ready } = watch(h)
    const strict = watch(h, { graceMs: 1000 }, { requires: 'writes' })
    await h.clock.advance(1000)
    Object.assign(h.driver.server('a'), server)
    await h.manager.checkHealth()
    expect(readinessOf(ready, 'main')).toEqual([200, 'warn', 'read-only'])
    await h.clock.advance(1000)
    expect(readinessOf(strict.ready, 'main')).toEqual([503, 'fail', 'unusable'])
    await close(h)
  })

  test('with an exhausted pool, of which 1,000 probes borrow nothing', async () => {
    const h = one({ poolSize: 2, maxOverflow: 0 })
    const { ready, startup } = watch(h)
    await h.clock.advance(1000)
    const leases = await Promise.all([h.manager.acquire(), h.manager.acquire()])
    const waiting = h.manager.acquire()
    const { totalCheckouts } = h.manager.getPoolMetrics()
    for (let asked = 0; asked < 1000; asked += 1) {
      expect(ask(startup)[0]).toBe(200)
      const [status, { checks }] = ask(ready)
      expect(status).toBe(200)
      expect(checks?.['main:readiness']?.[0]).toMatchObject({
        status: 'warn',
        output: 'pool exhausted: 2 of 2 connections are in use, 1 callers wait',
      })
    }
    expect(h.manager.getPoolMetrics()).toMatchObject({ totalCheckouts, waiting: 1 })
    for (const each of leases) each.release()
    ;(await waiting).release()
    expect(readinessOf(ready, 'main')).toEqual([200, 'pass', 'ok'])
    await close(h)
  })
})

describe('draining', () => {
  test.each(['main', 'other'])('begins with close() of a manager: %s', async (closed) => {
    const hs = { main: one(), other: one({ name: 'other' }) }
    const { ready } = healthHandlers([hs.main.manager, hs.other.manager], { clock: hs.main.clock })
    for (const h of Object.values(hs)) await h.clock.advance(1000)
    expect(ask(ready)[0]).toBe(200)
    const h = hs[closed as keyof typeof hs]
    const lease = await h.manager.acquire()
    const closing = h.manager.close({ drainTimeoutMs: 5000 })
    // The lease is still there: nothing has been closed yet.
    expect(readinessOf(ready, closed)).toEqual([503, 'fail', 'closed'])
    lease.release()
    await h.clock.advance(2000)
    await closing
    for (const each of Object.values(hs)) await close(each)
  })

  test('begins with shutdown(), at once, and its promise waits as long as it was set to', async () => {
    const h = one()
    const handlers = watch(h)
    await h.clock.advance(1000)
    const drained = handlers.shutdown({ delayMs: 5000 })
    expect(handlers.draining).toBe(true)
    expect(ask(handlers.ready)).toMatchObject([
      503,
      { status: 'fail', output: 'the process is shutting down' },
    ])
    expect(ask(handlers.live)[0]).toBe(200)
    await h.clock.advance(4999)
    expect(await h.outcome(drained)).toBe('pending')
    await h.clock.advance(1)
    expect(await h.outcome(drained)).toBe('resolved')
    await handlers.shutdown()
    await close(h)
  })
})

describe('without health monitoring', () => {
  test('says so, connects once by itself, and stays ready while nothing is known against it', async () => {
    const h = one({ healthMonitoring: false })
    const { ready, startup } = watch(h)
    expect(ask(startup)[0]).toBe(503)
    // Several probes may come before the first has brought about a connection.
    expect(ask(ready)[0]).toBe(503)
    await h.clock.advance(1000)
    expect(h.of('connectionCreated')).toHaveLength(1)
    const [status, body] = ask(ready)
    expect([status, body.status]).toEqual([200, 'pass'])
    expect(body.notes).toEqual([expect.stringMatching(/^main: health monitoring is off: /)])
    expect(ask(startup)[0]).toBe(200)
    const { totalChecks } = h.manager.getHealthStats()
    await h.clock.advance(100_000)
    expect(ask(ready)[0]).toBe(200)
    expect(h.manager.getHealthStats().totalChecks).toBe(totalChecks)
    expect(h.of('connectionCreated')).toHaveLength(1)
    await close(h)
  })

  test('learns of an outage from its callers, and of its end by itself', async () => {
    const h = one({ healthMonitoring: false })
    const { ready } = watch(h, { graceMs: 10_000 })
    ask(ready)
    await h.clock.advance(1000)
    h.driver.server('a').crash()
    await h.clock.advance(100)
    expect(ask(ready)[0]).toBe(200)
    const failed = h.manager.acquire({ timeoutMs: 500 }).catch((error: Error) => error)
    await h.clock.advance(600)
    expect(await failed).toBeInstanceOf(Error)
    expect(readinessOf(ready, 'main')).toEqual([200, 'warn', 'grace'])
    await h.clock.advance(10_000)
    expect(readinessOf(ready, 'main')).toEqual([503, 'fail', 'unusable'])
    h.driver.server('a').start()
    ask(ready)
    await h.clock.advance(60_000)
    expect(readinessOf(ready, 'main')).toEqual([200, 'pass', 'ok'])
    await close(h)
  })

  test('retries a start that has failed with the next probe', async () => {
    const h = one({ healthMonitoring: false })
    h.driver.server('a').state = 'denied'
    const { startup } = watch(h)
    ask(startup)
    await h.clock.advance(1000)
    expect(ask(startup)[0]).toBe(503)
    h.driver.server('a').state = 'up'
    await h.clock.advance(60_000)
    ask(startup)
    await h.clock.advance(60_000)
    expect(ask(startup)[0]).toBe(200)
    await close(h)
  })
})

test('a manager that rests says how it was before', async () => {
  const h = one({ healthMonitoring: { restAfterMs: 1000 } })
  const { ready } = watch(h)
  await h.clock.advance(10_000)
  expect(h.manager.getHealthStatus().resting).toBe(true)
  expect(ask(ready)).toMatchObject([
    200,
    { status: 'pass', notes: [expect.stringMatching(/^main: health monitoring is paused/)] },
  ])
  await close(h)
})

test('all managers must be ready, except those that are optional', async () => {
  const main = one()
  const reports = one({ name: 'reports' })
  reports.driver.server('a').state = 'down'
  const clock = main.clock
  const both = healthHandlers([main.manager, reports.manager], { clock, graceMs: 0 })
  const lenient = healthHandlers([main.manager, { manager: reports.manager, optional: true }], {
    clock,
    graceMs: 0,
  })
  await main.clock.advance(1000)
  expect(ask(both.startup)[0]).toBe(503)
  expect(ask(lenient.startup)[0]).toBe(200)
  expect(ask(lenient.ready)).toMatchObject([200, { status: 'warn' }])
  reports.driver.server('a').start()
  await reports.clock.advance(10_000)
  expect(ask(both.startup)[0]).toBe(200)
  expect(ask(both.ready)).toMatchObject([200, { status: 'pass' }])
  await lose(reports, 'a')
  expect(ask(both.ready)).toMatchObject([503, { status: 'fail' }])
  expect(ask(lenient.ready)).toMatchObject([200, { status: 'warn' }])
  await lose(main, 'a')
  expect(ask(lenient.ready)).toMatchObject([503, { status: 'fail' }])
  await close(main)
  await close(reports)
})
