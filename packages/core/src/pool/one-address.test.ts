import { close, type Harness, manage } from '../../test/harness.js'
import { closeLone, lonePool } from '../../test/lone-pool.js'

describe('one address that has led to a primary', () => {
  test('refuses a writer a standby, as behind a proxy, until it leads to a primary again', async () => {
    const lone = lonePool()
    const first = await lone.acquire()
    lone.pool.evict(first.connectionId)
    first.release()
    lone.server.role = 'standby'
    const waiting = lone.acquire()
    await lone.clock.settle()
    expect(lone.reported).toContainEqual({ what: 'roleMismatch', seen: 'standby' })
    expect(lone.of('connectionClosed').at(-1)).toMatchObject({
      reason: 'invalid',
      error: { message: 'expected a primary, found a standby' },
    })
    lone.server.role = 'primary'
    await lone.clock.advance(100)
    ;(await waiting).release()
    await closeLone(lone)
  })

  test('tells a writer who has waited in vain what it leads to', async () => {
    const lone = lonePool({ acquireTimeoutMs: 500 })
    const first = await lone.acquire()
    lone.pool.evict(first.connectionId)
    first.release()
    lone.server.role = 'standby'
    const failed = lone.acquire().catch((error: Error) => error)
    await lone.clock.advance(500)
    expect(await failed).toMatchObject({
      code: 'CONNMGR_ACQUIRE_TIMEOUT',
      cause: { message: 'expected a primary, found a standby' },
    })
    await closeLone(lone)
  })

  test('lends a standby to a reader, and to none after', async () => {
    const lone = lonePool()
    const first = await lone.acquire()
    lone.pool.evict(first.connectionId)
    first.release()
    lone.server.role = 'standby'
    const reader = await lone.acquire({}, 'prefer-standby')
    expect(reader.connection.role).toBe('standby')
    reader.release()
    expect(lone.pool.counts.total).toBe(0)
    await closeLone(lone)
  })

  test('believes the server, not what a pooler in between remembers of an earlier one', async () => {
    const lone = lonePool()
    const first = await lone.acquire()
    lone.pool.evict(first.connectionId)
    first.release()
    lone.server.role = 'standby'
    // The server has been promoted when it is asked.
    lone.driver.next('validate', { afterMs: 10 })
    const waiting = lone.acquire()
    await lone.clock.settle()
    lone.server.role = 'primary'
    await lone.clock.advance(10)
    expect(lone.driver.count('connect')).toBe(2)
    ;(await waiting).release()
    await closeLone(lone)
  })

  test('asks new connections too after a write was refused, as a pooler in between answers for a server of before', async () => {
    const lone = lonePool({
      onConnect: (connection) => {
        connection.role = 'primary'
      },
    })
    const [first, second] = await Promise.all([lone.acquire(), lone.acquire()])
    lone.server.role = 'standby'
    first.connection.signal('read-only')
    const waiting = [lone.acquire(), lone.acquire()]
    first.release()
    second.release()
    await lone.clock.advance(5000)
    expect(lone.pool.counts).toMatchObject({ waiting: 2, inUse: 0 })
    lone.server.role = 'primary'
    await lone.clock.advance(1000)
    for (const lease of await Promise.all(waiting)) lease.release()
    await closeLone(lone)
  })

  test('may be a standby for good after half a minute', async () => {
    const lone = lonePool({ acquireTimeoutMs: 60_000 })
    const first = await lone.acquire()
    lone.pool.evict(first.connectionId)
    first.release()
    lone.server.role = 'standby'
    const waiting = lone.acquire()
    await lone.clock.advance(29_000)
    expect(lone.pool.counts.waiting).toBe(1)
    await lone.clock.advance(2000)
    ;(await waiting).release()
    ;(await lone.acquire()).release()
    expect(lone.pool.counts.idle).toBe(1)
    await closeLone(lone)
  })

  test('is an address for reads if the first connection led to a standby, whatever comes later', async () => {
    const lone = lonePool()
    lone.server.role = 'standby'
    const first = await lone.acquire()
    lone.server.role = 'primary'
    const second = await lone.acquire()
    lone.server.role = 'standby'
    const third = await lone.acquire()
    expect(third.connection.role).toBe('standby')
    for (const lease of [first, second, third]) lease.release()
    await closeLone(lone)
  })

  test('may be a standby for good if it was one from the start', async () => {
    const lone = lonePool()
    lone.server.role = 'standby'
    ;(await lone.acquire()).release()
    ;(await lone.acquire()).release()
    expect(lone.driver.count('connect')).toBe(1)
    await closeLone(lone)
  })
})

describe('a single endpoint whose server is away', () => {
  let h: Harness
  afterEach(async () => {
    await close(h)
    expect(h.clock.pendingTimers).toBe(0)
  })

  test('serves those who wait soon after its return, however long it was away', async () => {
    h = manage({ healthMonitoring: true })
    ;(await h.manager.acquire()).release()
    h.driver.server('a').crash()
    await h.clock.advance(10)
    const waiting = h.manager.acquire()
    await h.clock.advance(10_000)
    h.driver.server('a').start()
    await h.clock.advance(150)
    expect(h.manager.getPoolMetrics().waiting).toBe(0)
    ;(await waiting).release()
  })

  test('that refuses logins is asked once a second while callers wait, and serves them soon after', async () => {
    h = manage({ healthMonitoring: true })
    ;(await h.manager.acquire()).release()
    await h.clock.advance(10)
    h.driver.server('a').state = 'denied'
    h.driver.server('a').terminateAll()
    const waiting = h.manager.acquire()
    await h.clock.advance(5000)
    const before = h.driver.count('openProbe')
    await h.clock.advance(10_000)
    expect(h.driver.count('openProbe') - before).toBeLessThanOrEqual(13)
    h.driver.server('a').state = 'up'
    await h.clock.advance(2000)
    ;(await waiting).release()
  })

  test('is reached anew beside connections that a proxy holds on to for a server that has gone', async () => {
    h = manage({ healthMonitoring: true, connectTimeoutMs: 30_000 })
    ;(await h.manager.acquire()).release()
    await h.clock.advance(10)
    h.driver.always('connect', 'hang')
    h.driver.always('openProbe', 'hang')
    h.driver.server('a').crash()
    h.driver.server('a').start()
    const waiting = h.manager.acquire()
    await h.clock.advance(3000)
    // The successor is there, but what has been begun still hangs.
    h.driver.always('connect', 'succeed')
    h.driver.always('openProbe', 'succeed')
    await h.clock.advance(500)
    ;(await waiting).release()
  })

  test('gives the first connection to a slow server all its time', async () => {
    h = manage({ healthMonitoring: true })
    ;(await h.manager.acquire()).release()
    h.driver.server('a').crash()
    await h.clock.advance(10)
    h.driver.always('connect', { afterMs: 4000 })
    h.driver.always('openProbe', { afterMs: 4000 })
    h.driver.server('a').start()
    const waiting = h.manager.acquire()
    await h.clock.advance(5000)
    expect(h.manager.getFailoverStatus().state).toBe('STEADY')
    ;(await waiting).release()
    // Until what has been given up would have come about too.
    await h.clock.advance(5000)
  })

  test('keeps callers waiting, not failing, while a pooler in between connects them to no server', async () => {
    h = manage({ healthMonitoring: true })
    const lease = await h.manager.acquire()
    // As PgBouncer does: it opens connections, and refuses what is sent on them.
    h.driver.always('validate', { fail: 'unreachable' })
    h.driver.always('probe', { fail: 'unreachable' })
    lease.connection.signal('lost')
    await h.clock.advance(100)
    const waiting = h.manager.acquire()
    await h.clock.advance(5000)
    expect(h.manager.getPoolMetrics()).toMatchObject({ waiting: 1, checkedOut: 0 })
    const connects = h.driver.count('connect')
    await h.clock.advance(10_000)
    expect(h.driver.count('connect') - connects).toBeLessThan(25)
    h.driver.always('validate', 'succeed')
    h.driver.always('probe', 'succeed')
    await h.clock.advance(200)
    ;(await waiting).release()
  })

  test('tries a standby less and less often for a writer', async () => {
    h = manage({ healthMonitoring: true })
    ;(await h.manager.acquire()).release()
    h.driver.server('a').role = 'standby'
    h.manager.clear()
    const waiting = h.manager.acquire()
    await h.clock.advance(10_000)
    expect(h.driver.count('connect')).toBeLessThan(25)
    expect(h.manager.getFailoverStatus().state).toBe('STEADY')
    h.driver.server('a').role = 'primary'
    await h.clock.advance(1000)
    ;(await waiting).release()
  })

  test('may be a standby from now on if an operator says so', async () => {
    h = manage({ healthMonitoring: true })
    ;(await h.manager.acquire()).release()
    h.driver.server('a').role = 'standby'
    h.manager.clear()
    await h.manager.reset()
    const lease = await h.manager.acquire()
    expect(lease.connection.role).toBe('standby')
    lease.release()
  })
})
