import { close, expectLater, type Harness, manage } from '../../test/harness.js'
import { closeLone, lonePool } from '../../test/lone-pool.js'

describe('lifetime', () => {
  let h: Harness
  afterEach(() => close(h))

  test('an expired connection is never lent', async () => {
    h = manage({ maxLifetimeMs: 10_000, lifetimeJitter: 0 })
    const first = await h.manager.acquire()
    first.release()
    await h.clock.advance(9_999)
    // The housekeeper has not been there yet.
    h.clock.stall(2)
    const second = await h.manager.acquire()
    expect(second.connectionId).not.toBe(first.connectionId)
    second.release()
  })

  test('one that expires in use closes on return', async () => {
    h = manage({ maxLifetimeMs: 1000, lifetimeJitter: 0 })
    const lease = await h.manager.acquire()
    await h.clock.advance(2000)
    expect(lease.connection.open).toBe(true)
    lease.release()
    await h.clock.settle()
    expect(h.of('connectionClosed')).toMatchObject([{ reason: 'lifetime' }])
  })

  test('deaths of connections born together are spread', async () => {
    h = manage({ poolSize: 10, maxLifetimeMs: 100_000, lifetimeJitter: 0.2 })
    await h.manager.warmUp()
    await h.clock.advance(101_000)
    const ages = h.of('connectionClosed').map((event) => event.durationMs)
    expect(ages).toHaveLength(10)
    expect(Math.min(...ages)).toBeGreaterThanOrEqual(80_000)
    expect(Math.max(...ages) - Math.min(...ages)).toBeGreaterThan(5000)
  })

  test('a connection kept in reserve is replaced before it expires', async () => {
    h = manage({ poolSize: 1, minIdle: 1, maxLifetimeMs: 100_000, lifetimeJitter: 0 })
    await h.manager.start()
    await h.clock.settle()
    const [first] = h.driver.open
    let least = Number.POSITIVE_INFINITY
    for (let passed = 0; passed < 101; passed += 1) {
      await h.clock.advance(1000)
      least = Math.min(least, h.manager.getPoolMetrics().checkedIn)
    }
    expect(least).toBe(1)
    expect(h.driver.open).toHaveLength(1)
    expect(h.driver.open).not.toContain(first)
    expect(h.of('connectionClosed')).toMatchObject([{ reason: 'lifetime' }])
  })

  test('idle connections close after idleTimeoutMs, down to minIdle', async () => {
    h = manage({ poolSize: 4, minIdle: 1, idleTimeoutMs: 5000 })
    await h.manager.warmUp()
    await h.clock.advance(4000)
    expect(h.manager.getPoolMetrics().checkedIn).toBe(4)
    await h.clock.advance(3000)
    expect(h.manager.getPoolMetrics().checkedIn).toBe(1)
    expect(new Set(h.of('connectionClosed').map((event) => event.reason))).toEqual(
      new Set(['idle']),
    )
  })

  test('maxUses replaces a connection after so many leases', async () => {
    h = manage({ poolSize: 1, maxUses: 2 })
    const ids: number[] = []
    for (let i = 0; i < 4; i += 1) {
      const lease = await h.manager.acquire()
      ids.push(lease.connectionId)
      lease.release()
      await h.clock.settle()
    }
    expect(ids[0]).toBe(ids[1])
    expect(ids[2]).toBe(ids[3])
    expect(ids[0]).not.toBe(ids[2])
  })

  test('clear closes idle connections now and lent ones when they come back', async () => {
    h = manage({ poolSize: 2 })
    const [lent, idle] = await Promise.all([h.manager.acquire(), h.manager.acquire()])
    idle.release()
    h.manager.clear('rotated credentials')
    await h.clock.settle()
    expect(h.driver.open).toEqual([lent.connection])
    lent.release()
    await h.clock.settle()
    expect(h.driver.open).toEqual([])
    expect(h.of('poolCleared')).toMatchObject([{ reason: 'rotated credentials' }])
    expect(h.of('connectionClosed').map(({ reason }) => reason)).toEqual(['cleared', 'cleared'])
  })

  test('a connection that was being opened when the pool was cleared is not lent', async () => {
    h = manage({ poolSize: 1 })
    h.driver.next('connect', { afterMs: 100 })
    const waiting = h.manager.acquire()
    await h.clock.advance(50)
    h.manager.clear()
    await h.clock.advance(100)
    ;(await waiting).release()
    expect(h.driver.count('connect')).toBe(2)
  })

  test('evict closes an idle connection now and a lent one when it comes back', async () => {
    h = manage({ poolSize: 2 })
    const [lent, idle] = await Promise.all([h.manager.acquire(), h.manager.acquire()])
    const idleConnection = idle.connection
    idle.release()
    expect(h.manager.evict(idle.connectionId)).toBe(true)
    expect(h.manager.evict(lent.connectionId)).toBe(true)
    expect(h.manager.evict(-1)).toBe(false)
    await h.clock.settle()
    expect(idleConnection.open).toBe(false)
    const { connection } = lent
    expect(connection.open).toBe(true)
    lent.release()
    await h.clock.settle()
    expect(connection.open).toBe(false)
  })

  test('a connection that dies idle is dropped, and one that dies in use frees its slot at once', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0 })
    ;(await h.manager.acquire()).release()
    h.driver.open[0]?.lose()
    expect(h.manager.getPoolMetrics().checkedIn).toBe(0)
    const lent = await h.manager.acquire()
    lent.connection.lose()
    const next = await h.manager.acquire()
    expect(h.manager.getPoolMetrics()).toMatchObject({ checkedOut: 1 })
    lent.release()
    expect(h.manager.getPoolMetrics()).toMatchObject({ checkedOut: 1 })
    next.release()
    expect(h.of('connectionClosed').map((event) => event.reason)).toEqual(['lost', 'lost'])
  })
})

describe('lifetime, of a pool by itself', () => {
  test('a connection lives until its lifetime is over, not a millisecond longer', async () => {
    const lone = lonePool({ maxLifetimeMs: 1000, lifetimeJitter: 0 })
    const first = await lone.acquire()
    first.release()
    await lone.clock.advance(999)
    lone.pool.maintain()
    expect(lone.pool.counts.idle).toBe(1)
    await lone.clock.advance(1)
    const second = await lone.acquire()
    expect(second.connectionId).not.toBe(first.connectionId)
    expect(lone.of('connectionClosed')).toEqual([
      {
        type: 'connectionClosed',
        pool: 'p',
        endpoint: 'a',
        connectionId: first.connectionId,
        reason: 'lifetime',
        durationMs: 1000,
      },
    ])
    second.release()
    await closeLone(lone)
  })

  test('an idle connection closes once it has been so for idleTimeoutMs, not a millisecond before', async () => {
    const lone = lonePool({ idleTimeoutMs: 1000 })
    const lease = await lone.acquire()
    await lone.clock.advance(500)
    lease.release()
    await lone.clock.advance(999)
    lone.pool.maintain()
    expect(lone.pool.counts.idle).toBe(1)
    await lone.clock.advance(1)
    lone.pool.maintain()
    expect(lone.pool.counts.total).toBe(0)
    await closeLone(lone)
  })

  test.each([
    [100_000, 98_000],
    [5000, 4500],
  ])(
    'the successor of a connection in reserve that lives for %i ms is opened after %i ms',
    async (maxLifetimeMs, openedAt) => {
      const lone = lonePool({ poolSize: 1, minIdle: 1, maxLifetimeMs, lifetimeJitter: 0 })
      lone.pool.maintain()
      await lone.clock.advance(openedAt - 1)
      lone.pool.maintain()
      await lone.clock.settle()
      expect(lone.driver.count('connect')).toBe(1)
      await lone.clock.advance(1)
      lone.pool.maintain()
      lone.pool.maintain()
      await lone.clock.settle()
      lone.pool.maintain()
      expect(lone.driver.count('connect')).toBe(2)
      expect(lone.pool.counts).toMatchObject({ total: 1, idle: 1 })
      expect(lone.of('connectionClosed')).toMatchObject([
        { reason: 'lifetime', durationMs: openedAt },
      ])
      await closeLone(lone)
    },
  )

  test('the successor takes the place of the one that is to die soonest', async () => {
    const options = { maxLifetimeMs: 100_000, lifetimeJitter: 0, idleOrder: 'fifo' } as const
    const lone = lonePool({ poolSize: 2, minIdle: 2, ...options })
    lone.driver.next('connect', 'succeed', { afterMs: 1000 })
    lone.pool.maintain()
    await lone.clock.advance(1000)
    const [oldest, younger] = lone.driver.open
    // So that the oldest is not also the one that was used least lately.
    const lease = await lone.acquire()
    expect(lease.connection).toBe(oldest)
    lease.release()
    await lone.clock.advance(97_000)
    lone.pool.maintain()
    await lone.clock.settle()
    expect(lone.driver.open).toHaveLength(2)
    expect(lone.driver.open).toContain(younger)
    expect(lone.driver.open).not.toContain(oldest)
    await closeLone(lone)
  })

  test('without a reserve to keep up, nothing is closed ahead of its time', async () => {
    const lone = lonePool({ poolSize: 1, maxOverflow: 1, maxLifetimeMs: 10_000, lifetimeJitter: 0 })
    const lease = await lone.acquire()
    await lone.clock.advance(9000)
    lone.driver.next('connect', { afterMs: 50 })
    const controller = new AbortController()
    const leaving = expectLater(lone.acquire({ signal: controller.signal }))
    controller.abort()
    await expect(leaving).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_ABORTED' })
    lease.release()
    await lone.clock.advance(50)
    expect(lone.of('connectionClosed')).toMatchObject([{ reason: 'overflow', durationMs: 0 }])
    expect(lone.pool.counts).toMatchObject({ total: 1, idle: 1 })
    await closeLone(lone)
  })

  test('what was evicted in use closes for that reason, whatever comes after', async () => {
    const lone = lonePool({ maxUses: 1 })
    const lease = await lone.acquire()
    lone.pool.evict(lease.connectionId)
    lease.connection.signal('shutdown')
    lease.release()
    expect(lone.of('connectionClosed').map((event) => event.reason)).toEqual(['evicted'])
    await closeLone(lone)
  })

  test('destroyAll cuts off every connection, lent or not, and says why', async () => {
    const lone = lonePool({ poolSize: 2 })
    const [lent, idle] = await Promise.all([lone.acquire(), lone.acquire()])
    idle.release()
    lone.pool.destroyAll('the endpoint is DOWN')
    await lone.clock.settle()
    expect(lone.driver.connections.map((each) => each.ended)).toEqual(['destroyed', 'destroyed'])
    expect(lone.pool.counts).toMatchObject({ total: 0, inUse: 0 })
    expect(lone.of('connectionClosed')).toMatchObject([
      { reason: 'lost', error: { message: 'the endpoint is DOWN' } },
      { reason: 'lost', error: { message: 'the endpoint is DOWN' } },
    ])
    expect(lone.of('poolCleared')).toEqual([
      { type: 'poolCleared', pool: 'p', endpoint: 'a', reason: 'the endpoint is DOWN' },
    ])
    lent.release()
    expect(lone.pool.leases.totals).toMatchObject({
      checkouts: 2,
      returned: 2,
      created: 2,
      closed: 2,
    })
    await closeLone(lone)
  })

  test('destroyAll gives up the attempts under way, and no connection of theirs is lent', async () => {
    const lone = lonePool()
    lone.driver.next('connect', { afterMs: 50, ignoreAbort: true })
    const waiting = lone.acquire()
    await lone.clock.advance(10)
    lone.pool.destroyAll('the endpoint is DOWN')
    const lease = await waiting
    await lone.clock.advance(50)
    expect(lone.driver.open).toEqual([lease.connection])
    expect(lone.of('connectionFailed')).toEqual([])
    lease.release()
    await closeLone(lone)
  })

  test('a connection that is lost is reported once, with the error, also to the observer', async () => {
    const lone = lonePool()
    const lease = await lone.acquire()
    lease.connection.lose(new Error('cut'))
    lease.connection.signal('shutdown')
    lease.destroy()
    expect(lone.of('connectionClosed')).toMatchObject([
      { reason: 'lost', error: { name: 'Error', message: 'cut' } },
    ])
    expect(lone.reported).toEqual([
      { what: 'connected' },
      { what: 'signalled', signal: { kind: 'lost', error: expect.any(Error) } },
    ])
    await closeLone(lone)
  })

  test('trouble that does not end a connection reaches the observer, and no more', async () => {
    const lone = lonePool()
    const lease = await lone.acquire()
    lease.connection.signal('serialization')
    expect(lone.reported).toMatchObject([
      { what: 'connected' },
      { what: 'signalled', signal: { kind: 'serialization' } },
    ])
    lease.release()
    expect(lone.pool.counts.idle).toBe(1)
    ;(await lone.acquire()).release()
    expect(lone.driver.count('validate')).toBe(0)
    await closeLone(lone)
  })

  test.each(['shutdown', 'lost'] as const)(
    'a connection that meets a %s while it is opened is reported, and not lent',
    async (kind) => {
      const lone = lonePool({
        onConnect: (connection) => {
          if (connection.id > 1) return
          if (kind === 'lost') connection.lose()
          else connection.signal(kind)
        },
      })
      const lease = await lone.acquire()
      expect(lease.connection.id).toBe(2)
      expect(lone.reported).toMatchObject([
        { what: 'connected' },
        { what: 'signalled', signal: { kind } },
        { what: 'connected' },
      ])
      expect(lone.of('connectionClosed')).toMatchObject([{ reason: 'lost' }])
      lease.release()
      await closeLone(lone)
    },
  )

  test('a connection that announces its end is left to its holder, and closed when it comes back', async () => {
    const lone = lonePool()
    const lease = await lone.acquire()
    const { connection } = lease
    connection.signal('shutdown')
    expect(connection.open).toBe(true)
    lease.release()
    expect(connection.open).toBe(false)
    expect(lone.of('connectionClosed')).toMatchObject([{ reason: 'lost' }])
    await closeLone(lone)
  })

  test('what happens to a detached connection is nothing to the pool', async () => {
    const lone = lonePool()
    const other = await lone.acquire()
    const connection = (await lone.acquire()).detach()
    connection.lose()
    other.release()
    ;(await lone.acquire()).release()
    expect(lone.driver.count('validate')).toBe(0)
    expect(lone.pool.leases.totals).toMatchObject({ closed: 0, returned: 3 })
    await closeLone(lone)
  })

  test('a connection lost while it is cleaned is closed once', async () => {
    const lone = lonePool({ reset: 'reset-all' })
    lone.driver.next('reset', 'hang')
    const lease = await lone.acquire()
    const { connection } = lease
    lease.release()
    connection.lose()
    await lone.clock.settle()
    expect(lone.of('connectionClosed')).toMatchObject([{ reason: 'lost' }])
    expect(lone.pool.leases.totals.closed).toBe(1)
    await closeLone(lone)
  })
})
