import { close, expectLater, type Harness, manage } from '../../test/harness.js'
import { closeLone, lonePool } from '../../test/lone-pool.js'

describe('a listener may do anything', () => {
  let h: Harness
  afterEach(() => close(h))

  /** As many callers as there is room for hold a connection at once: no slot was lost. */
  async function expectAllSlots(limit: number): Promise<void> {
    const leases = await Promise.all(Array.from({ length: limit }, () => h.manager.acquire()))
    expect(h.manager.getCounts()).toMatchObject({ total: limit, inUse: limit, idle: 0 })
    for (const lease of leases) lease.release()
  }

  test('abort the waiter that is being served: it keeps its connection, and gives it back', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0 })
    const first = await h.manager.acquire()
    const controller = new AbortController()
    const second = h.manager.acquire({ signal: controller.signal })
    h.manager.on('connectionAcquired', () => controller.abort())
    first.release()
    ;(await second).release()
    await expectAllSlots(1)
  })

  test('abort the next waiter while one is served', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0 })
    const first = await h.manager.acquire()
    const controller = new AbortController()
    const second = h.manager.acquire()
    const third = expectLater(h.manager.acquire({ signal: controller.signal }))
    h.manager.on('connectionAcquired', () => controller.abort())
    first.release()
    await expect(third).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_ABORTED' })
    ;(await second).release()
    await expectAllSlots(1)
  })

  test('give back the leak that it hears of: its next borrower keeps the connection that it gets', async () => {
    h = manage({
      poolSize: 1,
      maxOverflow: 0,
      leakDetection: { thresholdMs: 100, reclaim: true, captureStack: 'never' },
    })
    const leaking = await h.manager.acquire()
    const next = h.manager.acquire()
    const off = h.manager.on('leakDetected', () => leaking.release())
    await h.clock.advance(150)
    off()
    const lease = await next
    expect(lease.connectionId).not.toBe(leaking.connectionId)
    expect(lease.connection.open).toBe(true)
    lease.release()
    await expectAllSlots(1)
  })

  test.each([
    'connectionCreated',
    'connectionClosed',
    'connectionAcquired',
    'connectionReleased',
    'connectionDirty',
    'acquireFailed',
    'poolCleared',
    'poolResized',
  ] as const)('acquire and release, clear, evict and resize in %s', async (type) => {
    h = manage({ poolSize: 2, maxOverflow: 0, acquireTimeoutMs: 500 })
    let received = 0
    h.manager.on(type, () => {
      received += 1
      if (received > 3) return
      void h.manager.use(() => {})
      h.manager.clear()
      for (const each of h.manager.getHolders()) h.manager.evict(each.connectionId)
      h.manager.resize({ poolSize: 2 })
    })
    const lease = await h.manager.acquire()
    lease.connection.condition = 'transaction'
    lease.release()
    await expect(h.manager.acquire({ signal: AbortSignal.abort() })).rejects.toThrow()
    h.manager.clear()
    h.manager.resize({ poolSize: 1 })
    await h.clock.advance(1000)
    h.manager.resize({ poolSize: 2 })
    expect(received).toBeGreaterThan(0)
    await h.clock.advance(1000)
    expect(h.manager.getCounts()).toMatchObject({ inUse: 0, waiting: 0, cleaning: 0, testing: 0 })
    await expectAllSlots(2)
  })

  test('cause the event that it hears, over and over: everything else goes on', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0 })
    let cleared = 0
    const off = h.manager.on('poolCleared', () => {
      cleared += 1
      h.manager.clear()
    })
    h.manager.clear()
    expect(cleared).toBeLessThan(20)
    ;(await h.manager.acquire()).release()
    off()
  })

  test('close the manager while it serves', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0 })
    let closing: Promise<void> | undefined
    h.manager.on('connectionAcquired', () => {
      closing ??= h.manager.close({ drainTimeoutMs: 100 })
    })
    const lease = await h.manager.acquire()
    expect(lease.connection.open).toBe(true)
    await expect(h.manager.acquire()).rejects.toMatchObject({ code: 'CONNMGR_POOL_CLOSED' })
    lease.release()
    await closing
    expect(h.driver.open).toEqual([])
  })

  test('fail over while the failover is reported', async () => {
    h = manage({
      endpoints: ['a', 'b'],
      healthMonitoring: true,
      prepare: (driver) => {
        driver.server('b').role = 'standby'
        driver.server('b').writable = false
      },
    })
    await h.manager.start()
    const asked: Promise<unknown>[] = []
    for (const type of ['failoverStarted', 'failoverCompleted', 'endpointStateChanged'] as const) {
      h.manager.on(type, () => {
        if (asked.length > 10) return
        asked.push(h.manager.failover().catch((error: unknown) => error))
        h.manager.clear()
        h.manager.suspend()
        h.manager.resume()
      })
    }
    const waiting = h.manager.acquire()
    ;(await waiting).release()
    h.driver.server('a').crash()
    h.driver.server('b').promote()
    await h.clock.advance(10_000)
    await Promise.all(asked)
    const lease = await h.manager.acquire()
    expect(lease.endpoint.id).toBe('b')
    lease.release()
    expect(h.manager.getFailoverStatus()).toMatchObject({ state: 'STEADY', failovers: 1 })
  })

  test('reject: that is reported, and nothing is left unhandled', async () => {
    h = manage()
    h.manager.on('connectionCreated', async () => {
      throw new Error('too late')
    })
    h.manager.on('listenerFailed', async () => {
      throw new Error('this too')
    })
    ;(await h.manager.acquire()).release()
    await h.clock.settle()
    expect(h.of('listenerFailed')).toMatchObject([
      { reason: 'a listener of connectionCreated rejected', error: { message: 'too late' } },
    ])
  })

  test('so may a logger, whether it throws or rejects', async () => {
    const fails = [
      () => {
        throw new Error('disk full')
      },
      async () => {
        throw new Error('disk full')
      },
    ]
    for (const fail of fails) {
      h = manage({ logger: { debug: fail, info: fail, warn: fail, error: fail } })
      ;(await h.manager.acquire()).release()
      await h.clock.settle()
      expect(h.of('listenerFailed')).toContainEqual(
        expect.objectContaining({ error: { name: 'Error', message: 'disk full' } }),
      )
      await close(h)
    }
  })
})

test('an abort listener of a caller may acquire and release while the waiters of a pool fail', async () => {
  const lone = lonePool({ poolSize: 1, maxOverflow: 0 })
  const lease = await lone.acquire()
  const controller = new AbortController()
  const others: Promise<unknown>[] = []
  controller.signal.addEventListener('abort', () => {
    lease.release()
    others.push(lone.acquire().then((each) => each.release()))
  })
  const waiting = [1, 2, 3].map(() =>
    expectLater(lone.acquire({ signal: controller.signal })).then(
      (each) => each.release(),
      (error: { code: string }) => error.code,
    ),
  )
  controller.abort()
  await Promise.all(others)
  expect(await Promise.all(waiting)).toEqual([
    undefined,
    'CONNMGR_ACQUIRE_ABORTED',
    'CONNMGR_ACQUIRE_ABORTED',
  ])
  expect(lone.pool.counts).toMatchObject({ total: 1, idle: 1, waiting: 0 })
  await closeLone(lone)
})

test('a driver that signals the end of a connection while it cuts it off is counted once', async () => {
  const lone = lonePool({ poolSize: 2 })
  const leases = [await lone.acquire(), await lone.acquire()]
  const { destroy } = lone.driver
  lone.driver.destroy = (connection, reason) => {
    connection.signal('lost')
    destroy.call(lone.driver, connection, reason)
  }
  lone.emitter.on('connectionClosed', () => {
    lone.pool.clear('one is gone')
  })
  lone.pool.destroyAll('the endpoint is DOWN')
  await lone.clock.settle()
  expect(lone.of('connectionClosed')).toHaveLength(2)
  for (const lease of leases) lease.release()
  expect(lone.pool.counts).toMatchObject({ total: 0, inUse: 0 })
  await closeLone(lone)
})
