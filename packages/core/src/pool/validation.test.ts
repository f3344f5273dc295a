import { close, type Harness, manage } from '../../test/harness.js'
import { closeLone, lonePool } from '../../test/lone-pool.js'

const options = { prePing: true, prePingBypassMs: 500, poolSize: 2 }

describe('validation', () => {
  let h: Harness
  afterEach(() => close(h))

  test('fresh and recently used connections skip it', async () => {
    h = manage(options)
    ;(await h.manager.acquire()).release()
    await h.clock.advance(400)
    ;(await h.manager.acquire()).release()
    expect(h.driver.count('validate')).toBe(0)
    await h.clock.advance(501)
    ;(await h.manager.acquire()).release()
    expect(h.driver.count('validate')).toBe(1)
  })

  test('a failure is retried transparently and makes the other connections suspect', async () => {
    h = manage(options)
    await h.manager.warmUp()
    await h.clock.advance(1000)
    h.driver.next('validate', { fail: 'lost' })
    const lease = await h.manager.acquire()
    expect(h.driver.count('validate')).toBe(2)
    expect(h.of('validationFailed')).toHaveLength(1)
    lease.release()
  })

  test('a hung ping is destroyed at its timeout', async () => {
    h = manage({ ...options, poolSize: 1, validateTimeoutMs: 200 })
    const first = await h.manager.acquire()
    first.release()
    await h.clock.advance(1000)
    h.driver.next('validate', 'hang')
    const waiting = h.manager.acquire()
    await h.clock.advance(250)
    const lease = await waiting
    expect(lease.connectionId).not.toBe(first.connectionId)
    expect(h.of('connectionClosed')).toMatchObject([{ reason: 'invalid' }])
    lease.release()
  })

  test('a hung ping is given up once the server has answered a later probe; idle connections go with it', async () => {
    h = manage({
      ...options,
      poolSize: 3,
      endpoints: ['a', 'b'],
      healthMonitoring: true,
      failover: { probeIntervalMs: 500, probeTimeoutMs: 500 },
      prepare: (driver) => {
        driver.server('b').role = 'standby'
        driver.server('b').writable = false
      },
    })
    await h.manager.warmUp()
    await h.clock.advance(1000)
    h.driver.always('validate', 'hang')
    const waiting = h.manager.acquire()
    await h.clock.advance(500)
    expect(await h.outcome(waiting)).toBe('pending')
    await h.clock.advance(900)
    const lease = await waiting
    expect(h.driver.count('validate')).toBe(1)
    expect(h.of('connectionClosed').map(({ reason }) => reason)).toEqual([
      'invalid',
      'invalid',
      'invalid',
    ])
    expect(h.of('endpointStateChanged').filter(({ to }) => to !== 'UP')).toEqual([])
    lease.release()
  })

  test('a connection under validation is not lendable', async () => {
    h = manage({ ...options, poolSize: 1, maxOverflow: 0 })
    ;(await h.manager.acquire()).release()
    await h.clock.advance(1000)
    h.driver.next('validate', { afterMs: 100 })
    const first = h.manager.acquire()
    const second = h.manager.acquire()
    expect(await h.outcome(first)).toBe('pending')
    await h.clock.advance(100)
    expect(await h.outcome(second)).toBe('pending')
    ;(await first).release()
    ;(await second).release()
  })

  test('an acquire that runs out of time while a ping hangs says so', async () => {
    h = manage({
      ...options,
      poolSize: 1,
      maxOverflow: 0,
      acquireTimeoutMs: 300,
      validateTimeoutMs: 5000,
    })
    ;(await h.manager.acquire()).release()
    await h.clock.advance(1000)
    h.driver.next('validate', 'hang')
    const failing = h.manager.acquire()
    failing.catch(() => {})
    await h.clock.advance(301)
    await expect(failing).rejects.toMatchObject({
      code: 'CONNMGR_ACQUIRE_TIMEOUT',
      phase: 'validate',
    })
    await h.clock.advance(5000)
  })

  test('a fatal error on one connection voids the bypass window of the others', async () => {
    h = manage({ ...options, poolSize: 2 })
    const [a, b] = await Promise.all([h.manager.acquire(), h.manager.acquire()])
    b.release()
    a.connection.signal('shutdown')
    a.release()
    ;(await h.manager.acquire()).release()
    expect(h.driver.count('validate')).toBe(1)
    expect(h.of('connectionClosed')).toMatchObject([{ reason: 'lost' }])
  })

  test('a connection left behind on a demoted server is not lent, whatever it answers', async () => {
    h = manage({ poolSize: 3, prePing: true })
    await h.manager.warmUp()
    const server = h.driver.server('a')
    server.role = 'standby'
    const lease = await h.manager.acquire()
    // One write is refused; that makes the others suspect.
    lease.connection.signal('read-only')
    lease.release()
    const waiting = h.manager.acquire()
    await h.clock.settle()
    const invalid = h.of('connectionClosed').filter(({ reason }) => reason === 'invalid')
    expect(invalid[0]?.error?.message).toBe('expected a primary, found a standby')
    expect(h.manager.getPoolMetrics().waiting).toBe(1)
    server.role = 'primary'
    await h.clock.advance(1000)
    ;(await waiting).release()
  })

  test('after the process stood still all idle connections are checked', async () => {
    h = manage({ ...options, prePingBypassMs: 60_000 })
    ;(await h.manager.acquire()).release()
    h.clock.stall(5000)
    await h.clock.advance(600)
    ;(await h.manager.acquire()).release()
    expect(h.driver.count('validate')).toBe(1)
  })
})

describe('validation, of a pool by itself', () => {
  test('a connection is lent unasked up to the end of the bypass window, and pinged after it', async () => {
    const lone = lonePool(options)
    ;(await lone.acquire()).release()
    for (const pauseMs of [500, 400]) {
      await lone.clock.advance(pauseMs)
      ;(await lone.acquire()).release()
    }
    expect(lone.driver.count('validate')).toBe(0)
    await lone.clock.advance(501)
    ;(await lone.acquire()).release()
    expect(lone.driver.count('validate')).toBe(1)
    await closeLone(lone)
  })

  test('a connection that answered its ping is trusted again', async () => {
    const lone = lonePool({ prePing: false })
    ;(await lone.acquire()).release()
    lone.pool.suspectAll()
    ;(await lone.acquire()).release()
    ;(await lone.acquire()).release()
    expect(lone.driver.count('validate')).toBe(1)
    await closeLone(lone)
  })

  test('a failed ping is reported with the time it took, and costs the connection', async () => {
    const lone = lonePool({ ...options, poolSize: 1, maxOverflow: 0, validateTimeoutMs: 200 })
    const first = await lone.acquire()
    first.release()
    await lone.clock.advance(1000)
    lone.driver.next('validate', 'hang')
    const waiting = lone.acquire()
    await lone.clock.advance(200)
    ;(await waiting).release()
    const error = {
      name: 'ValidationFailedError',
      code: 'CONNMGR_VALIDATION_FAILED',
      message: `connection ${first.connectionId} did not answer its ping within 200 ms`,
    }
    expect(lone.of('validationFailed')).toEqual([
      {
        type: 'validationFailed',
        pool: 'p',
        endpoint: 'a',
        connectionId: first.connectionId,
        durationMs: 200,
        error,
      },
    ])
    expect(lone.of('connectionClosed')).toMatchObject([{ reason: 'invalid', error }])
    await closeLone(lone)
  })

  test('a connection evicted during its ping is not lent', async () => {
    const lone = lonePool({ ...options, poolSize: 1, maxOverflow: 0 })
    const first = await lone.acquire()
    first.release()
    await lone.clock.advance(1000)
    lone.driver.next('validate', { afterMs: 50 })
    const waiting = lone.acquire()
    lone.pool.evict(first.connectionId)
    await lone.clock.advance(50)
    expect((await waiting).connectionId).not.toBe(first.connectionId)
    ;(await waiting).release()
    await closeLone(lone)
  })

  test.each([
    ['primary', 'standby'],
    ['standby', 'primary'],
  ] as const)(
    'where a %s is expected, a new connection to a %s is refused and reported, and none is tried at once',
    async (expected, found) => {
      const lone = lonePool()
      lone.server.role = found
      lone.pool.serverChanged({ requiredRole: expected })
      const waiting = lone.acquire()
      await lone.clock.settle()
      expect(lone.driver.count('connect')).toBe(1)
      expect(lone.reported).toEqual([{ what: 'connected' }, { what: 'roleMismatch', seen: found }])
      expect(lone.of('connectionClosed')).toMatchObject([
        { reason: 'invalid', error: { message: `expected a ${expected}, found a ${found}` } },
      ])
      lone.server.role = expected
      await lone.clock.advance(1000)
      ;(await waiting).release()
      await closeLone(lone)
    },
  )

  test('an idle connection whose server has changed its role is asked before it is lent', async () => {
    const lone = lonePool()
    ;(await lone.acquire()).release()
    const [connection] = lone.driver.open
    lone.pool.serverChanged({ requiredRole: 'primary' })
    ;(await lone.acquire()).release()
    expect(lone.driver.count('validate')).toBe(0)
    if (connection !== undefined) connection.role = 'standby'
    ;(await lone.acquire()).release()
    expect(lone.driver.count('validate')).toBe(1)
    expect(lone.pool.counts.idle).toBe(1)
    await closeLone(lone)
  })

  test('a server that does not tell its role is taken at its word for whatever is expected', async () => {
    const lone = lonePool()
    lone.server.role = 'unknown'
    lone.pool.serverChanged({ requiredRole: 'primary' })
    ;(await lone.acquire()).release()
    ;(await lone.acquire()).release()
    expect(lone.driver.count('validate')).toBe(0)
    expect(lone.driver.count('connect')).toBe(1)
    await closeLone(lone)
  })

  test('a driver that knows no roles is never asked for one', async () => {
    const lone = lonePool()
    Object.defineProperty(lone.driver, 'replication', { value: undefined })
    lone.pool.serverChanged({ requiredRole: 'primary' })
    ;(await lone.acquire()).release()
    ;(await lone.acquire()).release()
    expect(lone.driver.count('validate')).toBe(0)
    await closeLone(lone)
  })
})
