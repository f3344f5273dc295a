import { close, expectLater, type Harness, manage } from '../../test/harness.js'
import { closeLone, lonePool } from '../../test/lone-pool.js'

describe('acquire', () => {
  let h: Harness
  afterEach(() => close(h))

  test('waiters are served in the order in which they came', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0 })
    const order: number[] = []
    const first = await h.manager.acquire()
    const rest = [1, 2, 3].map(async (n) => {
      const lease = await h.manager.acquire()
      order.push(n)
      lease.release()
    })
    first.release()
    await Promise.all(rest)
    expect(order).toEqual([1, 2, 3])
  })

  test('the latest used idle connection is lent first, or the longest idle one', async () => {
    for (const idleOrder of ['lifo', 'fifo'] as const) {
      h = manage({ poolSize: 2, idleOrder })
      const [a, b] = await Promise.all([h.manager.acquire(), h.manager.acquire()])
      a.release()
      b.release()
      const next = await h.manager.acquire()
      expect(next.connectionId).toBe(idleOrder === 'lifo' ? b.connectionId : a.connectionId)
      next.release()
      if (idleOrder === 'lifo') await close(h)
    }
  })

  test('an exhausted pool names its holders', async () => {
    h = manage({
      poolSize: 1,
      maxOverflow: 0,
      acquireTimeoutMs: 500,
      leakDetection: { captureStack: 'always' },
    })
    const lease = await h.manager.acquire({ label: 'report' })
    await lease.connection.query('select 1')
    const failing = expectLater(h.manager.acquire())
    await h.clock.advance(501)
    await expect(failing).rejects.toMatchObject({
      code: 'CONNMGR_ACQUIRE_TIMEOUT',
      phase: 'wait',
      counts: { inUse: 1, limit: 1 },
      holders: [
        {
          label: 'report',
          lastQuery: 'select 1',
          checkedOutBy: expect.stringContaining('acquire.test.ts'),
        },
      ],
    })
    lease.release()
    expect(h.manager.getPoolMetrics().failedCheckouts).toBe(1)
  })

  test('the error of a caller who waited in vain has the stack of that caller', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0, leakDetection: { captureStack: 'always' } })
    const lease = await h.manager.acquire()
    async function checkout() {
      return h.manager.acquire({ timeoutMs: 100 })
    }
    const waiting = expectLater(checkout())
    await h.clock.advance(200)
    const error = await waiting.catch((reason: Error) => reason)
    expect((error as Error).stack).toMatch(/^AcquireTimeoutError: pool .*\n {4}at checkout \(/)
    lease.release()
  })

  test('an unreachable server is distinguished from an exhausted pool, with the latest failure as cause', async () => {
    h = manage({
      acquireTimeoutMs: 500,
      prepare: (driver) => driver.always('connect', { fail: 'unreachable' }),
    })
    const failing = expectLater(h.manager.acquire())
    await h.clock.advance(501)
    const error = await failing.catch((thrown) => thrown)
    expect(error).toMatchObject({
      code: 'CONNMGR_ACQUIRE_TIMEOUT',
      phase: 'connect',
      cause: expect.any(Error),
    })
    expect(error.message).toContain('cannot be reached')
  })

  test('bad credentials fail at once, before any deadline', async () => {
    h = manage({ prepare: (driver) => driver.always('connect', { fail: 'setup' }) })
    await expect(h.manager.acquire()).rejects.toMatchObject({
      code: 'CONNMGR_CONNECT_FAILED',
      cause: expect.any(Error),
    })
  })

  test('credentials that went bad after they had worked are tried again until the deadline', async () => {
    h = manage({ poolSize: 2, acquireTimeoutMs: 5000 })
    const first = await h.manager.acquire()
    h.driver.next('connect', { fail: 'setup' }, { fail: 'setup' })
    const second = h.manager.acquire()
    await h.clock.advance(2000)
    ;(await second).release()
    first.release()
  })

  test('a failed create lets the next waiter proceed', async () => {
    h = manage({ poolSize: 2, connectConcurrency: 1 })
    h.driver.next('connect', { fail: 'unreachable' })
    const [a, b] = [h.manager.acquire(), h.manager.acquire()]
    await h.clock.advance(200)
    for (const lease of await Promise.all([a, b])) lease.release()
  })

  test('failed connects are repeated ever more slowly', async () => {
    h = manage({
      acquireTimeoutMs: 10_000,
      prepare: (driver) => driver.always('connect', { fail: 'unreachable' }),
    })
    const failing = expectLater(h.manager.acquire())
    await h.clock.advance(10_100)
    await expect(failing).rejects.toBeDefined()
    expect(h.driver.count('connect')).toBeLessThan(30)
    const times = h.driver.callsOf('connect').map((call) => call.at)
    const gaps = times.slice(1).map((at, index) => at - (times[index] as number))
    expect(Math.max(...gaps)).toBeLessThanOrEqual(1000)
    expect(Math.min(...gaps.slice(6))).toBeGreaterThan(Math.max(...gaps.slice(0, 2)))
  })

  test('a connection returned in time serves the waiter even though creates fail', async () => {
    h = manage({ poolSize: 2, acquireTimeoutMs: 500 })
    const lease = await h.manager.acquire()
    h.driver.always('connect', { fail: 'unreachable' })
    const waiting = h.manager.acquire()
    h.clock.setTimeout(() => lease.release(), 250)
    await h.clock.advance(260)
    ;(await waiting).release()
  })

  test('the database comes back mid-wait: the acquire succeeds before its deadline', async () => {
    h = manage({ acquireTimeoutMs: 5000, prepare: (driver) => driver.server('a').crash() })
    const waiting = h.manager.acquire()
    await h.clock.advance(3000)
    h.driver.server('a').start()
    await h.clock.advance(1100)
    ;(await waiting).release()
  })

  test('one hung connect holds up no other caller', async () => {
    h = manage({ poolSize: 2, connectTimeoutMs: 5000 })
    h.driver.next('connect', 'hang')
    const [first, second] = [h.manager.acquire(), h.manager.acquire()]
    const served = await Promise.race([first, second])
    served.release()
    for (const lease of await Promise.all([first, second])) if (lease.active) lease.release()
  })

  test('a hung connect gives its slot back at its deadline', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0, connectTimeoutMs: 1000 })
    h.driver.next('connect', 'hang')
    const waiting = h.manager.acquire()
    await h.clock.advance(1100)
    ;(await waiting).release()
    expect(h.of('connectionFailed')).toMatchObject([{ error: { code: 'CONNMGR_CONNECT_TIMEOUT' } }])
  })

  test('a connection that comes after its deadline is destroyed, not orphaned', async () => {
    h = manage({ connectTimeoutMs: 100, acquireTimeoutMs: 150 })
    h.driver.always('connect', { afterMs: 300, ignoreAbort: true })
    const failing = expectLater(h.manager.acquire())
    await h.clock.advance(1000)
    await expect(failing).rejects.toMatchObject({ phase: 'connect' })
    expect(h.driver.open).toEqual([])
  })

  test('a clear while waiters queue still serves them all', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0 })
    const first = await h.manager.acquire()
    const waiting = [h.manager.acquire(), h.manager.acquire()]
    h.manager.clear('test')
    first.release()
    for (const each of waiting) (await each).release()
    expect(h.driver.count('connect')).toBe(2)
  })

  test('the waiter over maxWaiters is rejected at once', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0, maxWaiters: 1 })
    const first = await h.manager.acquire()
    const waiting = h.manager.acquire()
    await expect(h.manager.acquire()).rejects.toMatchObject({ code: 'CONNMGR_QUEUE_FULL' })
    first.release()
    ;(await waiting).release()
  })

  test('500 ms mean at most about 550 ms under churn', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0, acquireTimeoutMs: 500 })
    const first = await h.manager.acquire()
    let rejectedAt = 0
    expectLater(h.manager.acquire()).catch(() => {
      rejectedAt = h.clock.now()
    })
    const others: Promise<unknown>[] = []
    for (let i = 0; i < 49; i += 1) {
      const controller = new AbortController()
      others.push(expectLater(h.manager.acquire({ signal: controller.signal, timeoutMs: 500 + i })))
      await h.clock.advance(10)
      controller.abort()
    }
    await h.clock.advance(60)
    expect(rejectedAt).toBeGreaterThanOrEqual(500)
    expect(rejectedAt).toBeLessThanOrEqual(550)
    first.release()
    await Promise.allSettled(others)
  })

  test('a release in the same moment as the deadline serves the waiter', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0, acquireTimeoutMs: 500 })
    const first = await h.manager.acquire()
    h.clock.setTimeout(() => first.release(), 500)
    const waiting = h.manager.acquire()
    await h.clock.advance(500)
    ;(await waiting).release()
  })

  test('a wrong target or timeout is an error that names it', async () => {
    h = manage()
    await expect(h.manager.acquire({ target: 'master' as 'primary' })).rejects.toMatchObject({
      code: 'CONNMGR_INVALID_OPTION',
      message: expect.stringContaining('target'),
    })
    await expect(h.manager.acquire({ timeoutMs: Number.NaN })).rejects.toMatchObject({
      option: 'timeoutMs',
    })
  })

  test('no caller overtakes one whose connection is still being validated', async () => {
    h = manage({ poolSize: 2, maxOverflow: 0, idleOrder: 'fifo', prePing: true })
    const [stale, fresh] = await Promise.all([h.manager.acquire(), h.manager.acquire()])
    stale.release()
    await h.clock.advance(1000)
    fresh.release()
    h.driver.next('validate', { afterMs: 50 })
    const first = h.manager.acquire()
    const second = h.manager.acquire()
    expect((await first).connectionId).toBe(fresh.connectionId)
    expect(await h.outcome(second)).toBe('pending')
    await h.clock.advance(50)
    expect((await second).connectionId).toBe(stale.connectionId)
    ;(await first).release()
    ;(await second).release()
  })

  test('a caller refused by a full queue is reported, and its error says how full the pool is', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0, maxWaiters: 1 })
    const first = await h.manager.acquire()
    const waiting = h.manager.acquire()
    await expect(h.manager.acquire()).rejects.toThrow(
      'pool "fake" already has 1 waiters (maxWaiters) for 1 connections, 1 in use',
    )
    expect(h.of('acquireFailed')).toMatchObject([
      { pool: 'fake', endpoint: 'a', reason: 'queue-full', durationMs: 0 },
    ])
    first.release()
    ;(await waiting).release()
  })

  test('a caller that ran out of time is reported with how long it waited and why', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0, acquireTimeoutMs: 500 })
    const first = await h.manager.acquire()
    await h.clock.advance(300)
    const failing = expectLater(h.manager.acquire())
    await h.clock.advance(500)
    await expect(failing).rejects.toMatchObject({ waitedMs: 500 })
    expect(h.of('acquireFailed')).toMatchObject([
      {
        pool: 'fake',
        endpoint: 'a',
        reason: 'timeout',
        durationMs: 500,
        error: { code: 'CONNMGR_ACQUIRE_TIMEOUT' },
      },
    ])
    first.release()
  })

  test('an error names at most five holders, those who have held for longest', async () => {
    h = manage({ poolSize: 7, maxOverflow: 0, acquireTimeoutMs: 500 })
    const leases = []
    for (let n = 1; n <= 7; n += 1) leases.push(await h.manager.acquire({ label: `caller ${n}` }))
    const failing = expectLater(h.manager.acquire())
    await h.clock.advance(500)
    const { holders } = await failing.catch((error) => error)
    expect(holders.map((each: { label: string }) => each.label)).toEqual(
      [1, 2, 3, 4, 5].map((n) => `caller ${n}`),
    )
    for (const lease of leases) lease.release()
  })

  test('callers that run out of time at once get the same holders, later ones of those then', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0 })
    const first = await h.manager.acquire({ label: 'early' })
    const [one, other, later] = [500, 501, 502].map((timeoutMs) =>
      h.manager.acquire({ timeoutMs }).catch((error) => error),
    )
    await h.clock.advance(502)
    const { holders } = await one
    expect(holders).toMatchObject([{ label: 'early', heldForMs: 500 }])
    expect((await other).holders).toBe(holders)
    expect((await later).holders).toMatchObject([{ label: 'early', heldForMs: 502 }])
    first.release()
  })
})

describe('acquire, of a pool by itself', () => {
  test('whether a connect works reaches the observer, with its kind and time', async () => {
    const lone = lonePool()
    lone.driver.next('connect', { fail: 'busy', afterMs: 7 }, { afterMs: 9 })
    await lone.clock.advance(100)
    const waiting = lone.acquire()
    await lone.clock.advance(2000)
    ;(await waiting).release()
    expect(lone.reported).toEqual([
      { what: 'connectFailed', kind: 'busy', message: 'busy' },
      { what: 'connected' },
    ])
    expect(lone.of('connectionFailed')).toEqual([
      {
        type: 'connectionFailed',
        reason: 'connect',
        pool: 'p',
        endpoint: 'a',
        durationMs: 7,
        error: { name: 'FakeError', message: 'busy' },
      },
    ])
    expect(lone.of('connectionCreated')).toEqual([
      {
        type: 'connectionCreated',
        pool: 'p',
        endpoint: 'a',
        connectionId: (await lone.acquire()).connectionId,
        durationMs: 9,
      },
    ])
    await closeLone(lone)
  })

  test('a connect that is refused for good fails all who wait, with its error as the cause', async () => {
    const lone = lonePool({ onConnectFailed: 'give-up' })
    lone.driver.next('connect', { fail: 'unreachable' })
    const waiting = [expectLater(lone.acquire()), expectLater(lone.acquire())]
    for (const each of waiting) {
      await expect(each).rejects.toMatchObject({
        code: 'CONNMGR_CONNECT_FAILED',
        message: expect.stringContaining('unreachable'),
        cause: { message: 'unreachable' },
      })
    }
    const reasons = lone.of('acquireFailed').map((event) => event.reason)
    expect(reasons).toEqual(['connect-failed', 'connect-failed'])
    await closeLone(lone)
  })

  test('while it is suspended a pool lends nothing and opens nothing', async () => {
    const lone = lonePool({ poolSize: 2 })
    const [lent, idle] = await Promise.all([lone.acquire(), lone.acquire()])
    idle.release()
    lone.pool.serverChanged({ serving: false })
    const waiting = [lone.acquire(), lone.acquire()]
    lent.release()
    await lone.clock.settle()
    expect(lone.pool.counts).toMatchObject({ total: 2, idle: 2, waiting: 2 })
    lone.pool.serverChanged({ serving: true })
    for (const each of waiting) (await each).release()
    expect([lone.driver.count('connect'), lone.driver.count('validate')]).toEqual([2, 0])
    await closeLone(lone)
  })

  test('events without a listener are not made', async () => {
    const lone = lonePool({ poolSize: 1, maxOverflow: 0, recorded: false })
    const emit = jest.spyOn(lone.emitter, 'emit')
    const work = async () => {
      const lease = await lone.acquire()
      await expect(lone.acquire({ signal: AbortSignal.abort() })).rejects.toBeDefined()
      lease.release()
    }
    await work()
    const types = () => emit.mock.calls.map(([event]) => event.type)
    expect(types()).toEqual(['connectionCreated'])
    const received: string[] = []
    for (const type of ['connectionAcquired', 'connectionReleased', 'acquireFailed'] as const) {
      lone.emitter.on(type, (event) => received.push(event.type))
    }
    await work()
    expect(received).toEqual(['connectionAcquired', 'acquireFailed', 'connectionReleased'])
    await closeLone(lone)
  })

  test('callers of whom nothing is known share one record of it', async () => {
    const lone = lonePool({ leakDetection: false })
    const [one, other] = await Promise.all([lone.acquire(), lone.acquire()])
    expect(one.owner).toBe(other.owner)
    one.release()
    other.release()
    await closeLone(lone)
  })
})
