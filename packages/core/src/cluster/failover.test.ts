import {
  close,
  endpointOf,
  expectLater,
  type Harness,
  replicated,
  stateOf,
} from '../../test/harness.js'

describe('failover of a replicated cluster', () => {
  let h: Harness
  afterEach(async () => {
    await close(h)
    expect(h.clock.pendingTimers).toBe(0)
  })

  test('writes go to the primary and reads to the standby, whichever is listed first', async () => {
    h = replicated({ endpoints: ['b', 'a'] })
    expect(await endpointOf(h)).toBe('a')
    expect(await endpointOf(h, 'standby')).toBe('b')
    expect(await endpointOf(h, 'prefer-standby')).toBe('b')
    expect(h.manager.getFailoverStatus()).toMatchObject({
      mode: 'role',
      state: 'STEADY',
      activeEndpoint: 'a',
      failovers: 0,
    })
  })

  test('a crash is noticed at once, readers go on, writers wait in order and are served by the promoted standby', async () => {
    h = replicated({ poolSize: 1, maxOverflow: 0 })
    expect(await endpointOf(h)).toBe('a')
    h.driver.server('a').crash()
    await h.clock.advance(30)
    expect(stateOf(h, 'a')).toBe('DOWN')
    expect(h.of('failoverStarted')).toMatchObject([{ endpoint: 'a' }])
    expect(h.manager.getFailoverStatus()).toMatchObject({
      state: 'FAILING_OVER',
      activeEndpoint: undefined,
    })
    expect(await endpointOf(h, 'prefer-standby')).toBe('b')

    const order: number[] = []
    const writers = [1, 2, 3].map((n) =>
      h.manager.use((_connection, lease) => {
        order.push(n)
        return lease.endpoint.id
      }),
    )
    await h.clock.advance(2000)
    expect(order).toEqual([])
    h.driver.server('b').promote()
    await h.clock.advance(300)
    expect(await Promise.all(writers)).toEqual(['b', 'b', 'b'])
    expect(order).toEqual([1, 2, 3])
    expect(h.of('failoverCompleted')).toMatchObject([{ endpoint: 'b', from: 'a', epoch: 1 }])
    expect(h.manager.getFailoverStatus()).toMatchObject({
      state: 'STEADY',
      activeEndpoint: 'b',
      failovers: 1,
      epoch: 1,
    })
  })

  test('waiters that queue at the old primary move to the new one', async () => {
    h = replicated({ poolSize: 1, maxOverflow: 0 })
    const holder = await h.manager.acquire()
    const waiting = h.manager.acquire()
    h.driver.server('a').crash()
    await h.clock.advance(100)
    h.driver.server('b').promote()
    await h.clock.advance(300)
    const lease = await waiting
    expect(lease.endpoint.id).toBe('b')
    expect(lease.epoch).toBe(1)
    expect(holder.epoch).toBe(0)
    holder.release()
    lease.release()
  })

  test('a demoted server never gets writes', async () => {
    h = replicated()
    expect(await endpointOf(h)).toBe('a')
    h.driver.server('a').demote()
    h.driver.server('b').promote()
    await h.clock.advance(200)
    for (let i = 0; i < 20; i += 1) {
      expect(await endpointOf(h)).toBe('b')
      await h.clock.advance(100)
    }
    expect(h.manager.getFailoverStatus().endpoints[0]).toMatchObject({ id: 'a', role: 'standby' })
  })

  test('a write refused as read-only makes the manager look for the primary at once', async () => {
    h = replicated({ failover: { probeIntervalMs: 60_000 } })
    const lease = await h.manager.acquire()
    h.driver.server('a').role = 'standby'
    h.driver.server('a').writable = false
    h.driver.server('b').promote()
    lease.connection.signal('read-only')
    lease.release()
    await h.clock.advance(20)
    expect(await endpointOf(h)).toBe('b')
    expect(h.of('switchoverCompleted')).toHaveLength(1)
  })

  test('a restart of the same primary is no failover: callers wait and go on', async () => {
    h = replicated()
    expect(await endpointOf(h)).toBe('a')
    h.driver.server('a').crash()
    const waiting = h.manager.acquire()
    await h.clock.advance(1000)
    h.driver.server('a').start()
    await h.clock.advance(300)
    const lease = await waiting
    expect(lease.endpoint.id).toBe('a')
    expect(lease.epoch).toBe(0)
    lease.release()
    expect(h.manager.getFailoverStatus()).toMatchObject({ state: 'STEADY', failovers: 0 })
  })

  test('the old primary that comes back as a primary on an older timeline is fenced', async () => {
    h = replicated()
    expect(await endpointOf(h)).toBe('a')
    h.driver.server('a').crash()
    await h.clock.advance(100)
    h.driver.server('b').promote()
    await h.clock.advance(300)
    h.driver.server('a').start()
    await h.clock.advance(2000)
    expect(stateOf(h, 'a')).toBe('FENCED')
    expect(await endpointOf(h)).toBe('b')
    expect(h.of('endpointStateChanged').filter((event) => event.to === 'FENCED')).toHaveLength(1)
    h.driver.server('a').demote()
    h.driver.server('a').timeline = 2
    await h.clock.advance(40_000)
    expect(stateOf(h, 'a')).toBe('UP')
    expect(await endpointOf(h, 'standby')).toBe('a')
  })

  test('two primaries with equal claims: neither gets writes', async () => {
    h = replicated({ acquireTimeoutMs: 1000 })
    expect(await endpointOf(h)).toBe('a')
    h.driver.server('b').role = 'primary'
    h.driver.server('b').writable = true
    h.driver.server('b').startedAt = 'another moment'
    await h.clock.advance(1000)
    expect(h.manager.getFailoverStatus().state).toBe('SPLIT_BRAIN')
    const failing = expectLater(h.manager.acquire())
    await h.clock.advance(1001)
    await expect(failing).rejects.toMatchObject({
      code: 'CONNMGR_ACQUIRE_TIMEOUT',
      phase: 'no-endpoint',
    })
  })

  test('one server under two names is one server', async () => {
    h = replicated({
      prepare: (driver) => {
        driver.server('b').role = 'primary'
        driver.server('b').writable = true
      },
    })
    expect(await endpointOf(h)).toBe('a')
    await h.clock.advance(2000)
    expect(h.manager.getFailoverStatus().state).toBe('STEADY')
  })

  test('a server of another cluster is quarantined and never used', async () => {
    h = replicated({
      prepare: (driver) => {
        driver.server('b').cluster = 'another'
      },
    })
    expect(await endpointOf(h)).toBe('a')
    expect(stateOf(h, 'b')).toBe('QUARANTINED')
    expect(await endpointOf(h, 'prefer-standby')).toBe('a')
    h.driver.server('a').crash()
    h.driver.server('b').promote()
    await h.clock.advance(2000)
    expect(h.manager.getFailoverStatus().activeEndpoint).toBeUndefined()
  })

  test('only standbys: degraded, reads go on, an acquire for writing says what there is', async () => {
    h = replicated({
      acquireTimeoutMs: 500,
      prepare: (driver) => {
        driver.server('a').role = 'standby'
        driver.server('a').writable = false
      },
    })
    expect(['a', 'b']).toContain(await endpointOf(h, 'standby'))
    expect(h.manager.getFailoverStatus().state).toBe('DEGRADED')
    const failing = expectLater(h.manager.acquire())
    await h.clock.advance(501)
    await expect(failing).rejects.toMatchObject({
      code: 'CONNMGR_ACQUIRE_TIMEOUT',
      message: expect.stringContaining('a is UP (standby)'),
    })
  })

  test('a server that is starting is waited for', async () => {
    h = replicated()
    expect(await endpointOf(h)).toBe('a')
    h.driver.server('a').crash()
    h.driver.server('a').state = 'starting'
    await h.clock.advance(500)
    expect(stateOf(h, 'a')).toBe('STARTING')
    h.driver.server('a').start()
    await h.clock.advance(200)
    expect(await endpointOf(h)).toBe('a')
  })

  test('a server without room for the probe keeps its role', async () => {
    h = replicated()
    await h.manager.start()
    h.driver.server('a').state = 'full'
    h.driver.always('probe', ({ endpoint }) => (endpoint.id === 'a' ? { fail: 'lost' } : 'succeed'))
    await h.clock.advance(2000)
    expect(stateOf(h, 'a')).toBe('BUSY')
    expect(h.manager.getFailoverStatus().activeEndpoint).toBe('a')
  })

  test('and is up as long as the pool has connections to it', async () => {
    h = replicated()
    expect(await endpointOf(h)).toBe('a')
    h.driver.server('a').state = 'full'
    h.driver.always('probe', ({ endpoint }) => (endpoint.id === 'a' ? { fail: 'lost' } : 'succeed'))
    await h.clock.advance(2000)
    expect(stateOf(h, 'a')).toBe('UP')
    expect(h.manager.getFailoverStatus().activeEndpoint).toBe('a')
  })

  test('a frozen primary is given up after two missed deadlines, and its sockets are destroyed', async () => {
    h = replicated()
    const lease = await h.manager.acquire()
    const { connection } = lease
    h.driver.server('a').hang()
    const hanging = expectLater(connection.query('insert'))
    await h.clock.advance(2500)
    expect(stateOf(h, 'a')).toBe('DOWN')
    await expect(hanging).rejects.toBeDefined()
    expect(connection.open).toBe(false)
    h.driver.server('b').promote()
    await h.clock.advance(300)
    expect(await endpointOf(h)).toBe('b')
    lease.release()
  })

  test('a stall of this process makes no server look dead', async () => {
    h = replicated()
    expect(await endpointOf(h)).toBe('a')
    for (let i = 0; i < 5; i += 1) {
      h.clock.stall(3000)
      await h.clock.advance(50)
    }
    await h.clock.advance(1000)
    expect(h.of('endpointStateChanged').filter((event) => event.to === 'DOWN')).toEqual([])
    expect(h.of('failoverStarted')).toEqual([])
  })

  test('a lagging standby gets no reads until it has caught up well', async () => {
    h = replicated({ failover: { maxLagMs: 2000 } })
    expect(await endpointOf(h, 'standby')).toBe('b')
    const [a, b] = [h.driver.server('a'), h.driver.server('b')]
    for (let i = 0; i < 8; i += 1) {
      a.position = (a.position ?? 0n) + 100n
      await h.clock.advance(500)
    }
    expect(await endpointOf(h, 'prefer-standby')).toBe('a')
    expect(h.manager.getFailoverStatus().endpoints[1]).toMatchObject({ lagging: true })
    b.position = a.position
    await h.clock.advance(1000)
    expect(await endpointOf(h, 'prefer-standby')).toBe('b')
    expect(h.of('standbyFellBehind')).toMatchObject([{ endpoint: 'b' }])
    expect(h.of('standbyCaughtUp')).toMatchObject([{ endpoint: 'b', lagMs: 0 }])
  })

  test('a standby that had received more than the promoted one shows what never was, and gets no reads until it is rebuilt', async () => {
    h = replicated({
      endpoints: ['a', 'b', 'c'],
      failover: { failbackStableMs: 1000 },
      prepare: (driver) => {
        Object.assign(driver.server('c'), { role: 'standby', writable: false })
      },
    })
    await h.manager.start()
    const [b, c] = [h.driver.server('b'), h.driver.server('c')]
    b.position = 800n
    c.position = 1000n
    h.driver.server('a').position = 1000n
    await h.clock.advance(1000)
    h.driver.server('a').crash()
    b.promote()
    await h.clock.advance(2000)
    expect(stateOf(h, 'c')).toBe('QUARANTINED')
    expect(h.of('endpointStateChanged').findLast(({ endpoint }) => endpoint === 'c')).toMatchObject(
      {
        reason: expect.stringContaining('rewind it'),
      },
    )
    b.position = 2000n
    await h.clock.advance(60_000)
    expect(stateOf(h, 'c')).toBe('QUARANTINED')
    expect(await endpointOf(h, 'prefer-standby')).toBe('b')
    c.demote()
    c.position = 2000n
    await h.clock.advance(60_000)
    expect(stateOf(h, 'c')).toBe('UP')
    expect(await endpointOf(h, 'prefer-standby')).toBe('c')
  })

  test('a standby that is behind stays so through a failover to another one', async () => {
    h = replicated({
      endpoints: ['a', 'b', 'c'],
      failover: { maxLagMs: 2000 },
      prepare: (driver) => {
        Object.assign(driver.server('c'), { role: 'standby', writable: false })
      },
    })
    await h.manager.start()
    const [a, b] = [h.driver.server('a'), h.driver.server('b')]
    for (let i = 0; i < 8; i += 1) {
      a.position = (a.position ?? 0n) + 100n
      b.position = a.position
      await h.clock.advance(500)
    }
    expect(h.of('standbyFellBehind')).toMatchObject([{ endpoint: 'c' }])
    a.crash()
    b.promote()
    await h.clock.advance(2000)
    expect(h.manager.getFailoverStatus()).toMatchObject({ activeEndpoint: 'b' })
    expect(h.of('standbyCaughtUp')).toEqual([])
    expect(await endpointOf(h, 'prefer-standby')).toBe('b')
    h.driver.server('c').position = b.position
    await h.clock.advance(1000)
    expect(await endpointOf(h, 'prefer-standby')).toBe('c')
  })

  test('an idle primary is not lag', async () => {
    h = replicated({ failover: { maxLagMs: 1000 } })
    expect(await endpointOf(h)).toBe('a')
    await h.clock.advance(60_000)
    expect(await endpointOf(h, 'standby')).toBe('b')
    expect(h.manager.getFailoverStatus().endpoints[1]).toMatchObject({ lagMs: 0 })
  })

  test('attempts without a writer are counted, and looking goes on after the last', async () => {
    h = replicated({ failover: { failoverTimeoutMs: 1000, retryAttempts: 2, retryDelayMs: 100 } })
    expect(await endpointOf(h)).toBe('a')
    h.driver.server('a').crash()
    await h.clock.advance(10_000)
    expect(h.of('failoverFailed').map((event) => event.attempt)).toEqual([1, 2])
    expect(h.manager.getFailoverStatus()).toMatchObject({ state: 'DEGRADED', failedAttempts: 2 })
    h.driver.server('b').promote()
    await h.clock.advance(300)
    expect(await endpointOf(h)).toBe('b')
  })

  test('all servers down and back: served again without a restart', async () => {
    h = replicated({ acquireTimeoutMs: 60_000 })
    expect(await endpointOf(h)).toBe('a')
    h.driver.server('a').crash()
    h.driver.server('b').crash()
    const waiting = h.manager.acquire()
    await h.clock.advance(30_000)
    h.driver.server('a').start()
    await h.clock.advance(1000)
    ;(await waiting).release()
  })

  test('a second failover during the first is followed too', async () => {
    h = replicated({
      endpoints: ['a', 'b', 'c'],
      prepare: (driver) => {
        driver.server('c').role = 'standby'
        driver.server('c').writable = false
      },
    })
    expect(await endpointOf(h)).toBe('a')
    h.driver.server('a').crash()
    await h.clock.advance(50)
    h.driver.server('b').promote()
    await h.clock.advance(150)
    h.driver.server('b').crash()
    h.driver.server('c').timeline = 2
    h.driver.server('c').promote()
    await h.clock.advance(500)
    expect(await endpointOf(h)).toBe('c')
    expect(h.manager.getFailoverStatus()).toMatchObject({ failovers: 2, epoch: 2 })
  })

  test('bad credentials everywhere fail at once, with the reason', async () => {
    h = replicated({
      prepare: (driver) => {
        driver.server('a').state = 'denied'
        driver.server('b').state = 'denied'
      },
    })
    await expect(h.manager.acquire()).rejects.toMatchObject({ code: 'CONNMGR_CONNECT_FAILED' })
  })

  test('bad credentials at one server do not stop the walk over the others', async () => {
    h = replicated({
      prepare: (driver) => {
        driver.server('a').state = 'denied'
        driver.server('b').promote()
      },
    })
    expect(await endpointOf(h)).toBe('b')
    expect(stateOf(h, 'a')).toBe('QUARANTINED')
  })

  test('failover() cannot promote a standby, and says so; reset() accepts a rebuilt cluster', async () => {
    h = replicated()
    expect(await endpointOf(h)).toBe('a')
    await expect(h.manager.failover('b')).rejects.toMatchObject({
      code: 'CONNMGR_FAILOVER_FAILED',
      message: expect.stringContaining('promote it'),
    })
    await expect(h.manager.failover('z')).rejects.toMatchObject({
      message: expect.stringContaining('there is no endpoint "z"'),
    })
    for (const id of ['a', 'b']) h.driver.server(id).cluster = 'rebuilt'
    await h.clock.advance(1000)
    expect(h.manager.getFailoverStatus().activeEndpoint).toBeUndefined()
    await h.manager.reset()
    expect(await endpointOf(h)).toBe('a')
  })

  test('close in the middle of a failover ends everything', async () => {
    h = replicated()
    expect(await endpointOf(h)).toBe('a')
    h.driver.server('a').crash()
    const waiting = expectLater(h.manager.acquire())
    await h.clock.advance(50)
    const closing = h.manager.close({ drainTimeoutMs: 100 })
    await h.clock.advance(3000)
    await closing
    await expect(waiting).rejects.toMatchObject({ code: 'CONNMGR_POOL_CLOSED' })
  })
})
