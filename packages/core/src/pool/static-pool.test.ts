import { close, expectLater, type Harness, manage } from '../../test/harness.js'

describe('a static pool', () => {
  let h: Harness
  afterEach(() => close(h))

  test('lends its one connection to one caller at a time, in the order in which they came', async () => {
    h = manage({ poolMode: 'static' })
    const turns: number[] = []
    let holding = 0
    await Promise.all(
      Array.from({ length: 5 }, (_, turn) =>
        h.manager.use(async () => {
          holding += 1
          expect(holding).toBe(1)
          await h.clock.settle()
          turns.push(turn)
          holding -= 1
        }),
      ),
    )
    expect(turns).toEqual([0, 1, 2, 3, 4])
    expect(h.driver.count('connect')).toBe(1)
    expect(h.manager.getPoolMetrics()).toMatchObject({ size: 1, limit: 1, totalCheckouts: 5 })
    expect(h.driver.open).toHaveLength(1)
  })

  test('transactions of two callers never interleave: one that is rolled back takes nothing of the other', async () => {
    h = manage({ poolMode: 'static' })
    const kept = h.manager.transaction(async (connection) => {
      await connection.query('insert')
      await h.clock.settle()
      await connection.query('insert')
    })
    const failed = h.manager.transaction(async (connection) => {
      await connection.query('insert')
      await h.clock.settle()
      throw new Error('changed my mind')
    })
    await kept
    await expect(failed).rejects.toThrow('changed my mind')
    expect(h.driver.server('a').rows).toBe(2)
    expect(h.driver.calls.map(({ method }) => method).filter((each) => each !== 'query')).toEqual([
      'connect',
      'begin',
      'commit',
      'begin',
      'rollback',
    ])
  })

  test('opens another when the one was lost', async () => {
    h = manage({ poolMode: 'static' })
    const first = await h.manager.acquire()
    first.connection.lose()
    const second = await h.manager.acquire()
    expect(second.connectionId).not.toBe(first.connectionId)
    first.release()
    second.release()
    expect(h.driver.open).toHaveLength(1)
  })

  test('keeps its callers waiting until their deadline while it cannot connect', async () => {
    h = manage({
      poolMode: 'static',
      acquireTimeoutMs: 500,
      prepare: (driver) => driver.always('connect', { fail: 'unreachable' }),
    })
    const failing = expectLater(h.manager.acquire())
    await h.clock.advance(501)
    await expect(failing).rejects.toMatchObject({
      code: 'CONNMGR_ACQUIRE_TIMEOUT',
      phase: 'connect',
    })
  })

  test('reports who has leaked it', async () => {
    h = manage({ poolMode: 'static', leakDetection: { thresholdMs: 100, captureStack: 'always' } })
    const lease = await h.manager.acquire({ label: 'a' })
    await h.clock.advance(500)
    expect(h.of('leakDetected').map((event) => event.lease.label)).toEqual(['a'])
    lease.release()
    expect(h.of('leakResolved')).toHaveLength(1)
  })

  test('a caller that waits too long hears that there is one connection, and who has it', async () => {
    h = manage({ poolMode: 'static', acquireTimeoutMs: 500 })
    const lease = await h.manager.acquire({ label: 'the report' })
    const waiting = expectLater(h.manager.acquire())
    await h.clock.advance(500)
    await expect(waiting).rejects.toMatchObject({
      code: 'CONNMGR_ACQUIRE_TIMEOUT',
      phase: 'wait',
      message: expect.stringContaining(
        "there is one connection, for one caller at a time (poolMode 'static'), and it has been in use for 500 ms by ",
      ),
      holders: [{ label: 'the report' }],
    })
    lease.release()
  })

  test('a flow that waits for itself is named, at once by an event and by its error', async () => {
    h = manage({
      poolMode: 'static',
      acquireTimeoutMs: 500,
      leakDetection: { detectNested: true },
    })
    await h.manager.use(async (_connection, lease) => {
      const nested = expectLater(h.manager.acquire())
      await h.clock.settle()
      expect(h.of('leaseMisused')).toMatchObject([{ reason: 'nested', leaseId: lease.id }])
      await h.clock.advance(501)
      await expect(nested).rejects.toThrow(`the flow that waits holds lease ${lease.id} itself`)
    })
  })

  test('is never closed for its age, its idleness or its uses', async () => {
    // Only the caller's options count: the defaults of a pool would close it.
    h = manage({ poolMode: 'static', maxLifetimeMs: undefined, idleTimeoutMs: undefined } as never)
    for (let use = 0; use < 10; use += 1) {
      await h.manager.use(() => {})
      h.clock.stall(3_600_000)
      await h.clock.advance(2000)
    }
    expect(h.driver.count('connect')).toBe(1)
    expect(h.of('connectionClosed')).toEqual([])
  })

  test.each([
    [{ poolSize: 2 }, 'option "poolSize" must be 1 or left out with poolMode \'static\''],
    [{ maxOverflow: 1 }, 'option "maxOverflow" must be 0 or left out'],
    [{ maxLifetimeMs: 1000 }, 'option "maxLifetimeMs" must be 0 or left out'],
    [{ idleTimeoutMs: 1000 }, 'option "idleTimeoutMs" must be 0 or left out'],
    [{ maxUses: 1000 }, 'option "maxUses" must be 0 or left out'],
  ])('%j contradicts it', (options, message) => {
    h = manage()
    expect(() => manage({ poolMode: 'static', ...options })).toThrow(
      expect.objectContaining({
        code: 'CONNMGR_INVALID_OPTION',
        message: expect.stringContaining(message),
      }),
    )
  })

  test('the sizes of the environment are not for it', async () => {
    process.env.DB_POOL_SIZE = '7'
    try {
      h = manage({ poolMode: 'static', poolSize: 1, maxOverflow: 0 })
    } finally {
      delete process.env.DB_POOL_SIZE
    }
    expect(h.manager.getPoolMetrics()).toMatchObject({ limit: 1 })
  })

  test('close waits for its callers, then closes the connection', async () => {
    h = manage({ poolMode: 'static' })
    const lease = await h.manager.acquire()
    const closing = h.manager.close({ drainTimeoutMs: 1000 })
    await h.clock.advance(10)
    expect(h.driver.open).toHaveLength(1)
    lease.release()
    await closing
    expect(h.driver.open).toEqual([])
    expect(h.clock.pendingTimers).toBe(0)
  })

  test('a lost connection is replaced for those who come later, while its holder keeps its lease', async () => {
    h = manage({ poolMode: 'static' })
    const before = await h.manager.acquire()
    before.connection.lose(new Error('cut'))
    expect(h.of('connectionClosed')).toMatchObject([{ reason: 'lost', error: { message: 'cut' } }])
    const after = await h.manager.acquire()
    before.release()
    expect(after.connection.open).toBe(true)
    expect(h.manager.getPoolMetrics()).toMatchObject({
      checkedOut: 1,
      totalConnectionsCreated: 2,
      totalConnectionsClosed: 1,
    })
    after.release()
  })

  test('trouble that does not end the connection leaves it in place', async () => {
    h = manage({ poolMode: 'static' })
    const first = await h.manager.acquire()
    first.connection.signal('serialization')
    first.release()
    const second = await h.manager.acquire()
    expect(second.connectionId).toBe(first.connectionId)
    second.release()
  })

  test('a connection that comes back broken is replaced', async () => {
    h = manage({ poolMode: 'static' })
    const first = await h.manager.acquire()
    first.connection.condition = 'broken'
    first.release()
    expect(h.of('connectionClosed')).toMatchObject([{ reason: 'lost' }])
    const second = await h.manager.acquire()
    expect(second.connectionId).not.toBe(first.connectionId)
    second.release()
  })

  test('a holder may destroy the connection, with or without a reason', async () => {
    h = manage({ poolMode: 'static' })
    ;(await h.manager.acquire()).destroy('not to be trusted')
    ;(await h.manager.acquire()).destroy()
    expect(h.driver.open).toEqual([])
    const [first, second] = h.of('connectionClosed')
    expect(first).toMatchObject({ reason: 'destroyed', error: { message: 'not to be trusted' } })
    expect(second).not.toHaveProperty('error')
  })

  test('destroying a connection that was replaced already spares its successor', async () => {
    h = manage({ poolMode: 'static' })
    const old = await h.manager.acquire()
    old.connection.lose()
    const current = await h.manager.acquire()
    old.destroy()
    expect(current.connection.open).toBe(true)
    current.release()
  })

  test('a lease that is released twice is reported and takes nothing from the next', async () => {
    h = manage({ poolMode: 'static' })
    const a = await h.manager.acquire()
    a.release()
    const b = await h.manager.acquire()
    a.release()
    expect(h.of('leaseMisused')).toMatchObject([{ leaseId: a.id, reason: 'released-twice' }])
    expect(h.manager.getHolders().map((each) => each.leaseId)).toEqual([b.id])
    b.release()
  })

  test('evict closes the idle connection by its id and no other', async () => {
    h = manage({ poolMode: 'static' })
    expect(h.manager.evict(1)).toBe(false)
    const lease = await h.manager.acquire()
    lease.release()
    expect(h.manager.evict(lease.connectionId + 1)).toBe(false)
    expect(h.driver.open).toHaveLength(1)
    expect(h.manager.evict(lease.connectionId)).toBe(true)
    await h.clock.settle()
    expect(h.driver.open).toEqual([])
    expect(h.of('connectionClosed')).toMatchObject([{ reason: 'evicted' }])
  })

  test('says so in its settings', async () => {
    h = manage({ poolMode: 'static' })
    expect(h.manager.getPoolSettings()).toMatchObject({ poolMode: 'static', poolSize: 1 })
    await close(h)
    h = manage()
    expect(h.manager.getPoolSettings().poolMode).toBe('pooled')
  })

  test('clear replaces the idle connection and says why, also if there is none', async () => {
    h = manage({ poolMode: 'static' })
    h.manager.clear('nothing there yet')
    await h.manager.use(() => {})
    h.manager.clear('schema changed')
    expect(h.of('poolCleared').map((each) => each.reason)).toEqual([
      'nothing there yet',
      'schema changed',
    ])
    expect(h.of('connectionClosed')).toMatchObject([{ reason: 'cleared' }])
    await h.manager.use(() => {})
    expect(h.driver.count('connect')).toBe(2)
  })

  test('what is evicted while it is used closes when its holder gives it back, and never has another beside it', async () => {
    h = manage({ poolMode: 'static' })
    const first = await h.manager.acquire()
    h.manager.evict(first.connectionId)
    const later = h.manager.acquire()
    await h.clock.settle()
    expect(h.driver.open).toHaveLength(1)
    first.release()
    expect((await later).connectionId).not.toBe(first.connectionId)
    expect(h.driver.open).toHaveLength(1)
    expect(h.of('connectionClosed')).toMatchObject([
      { reason: 'evicted', connectionId: first.connectionId },
    ])
    ;(await later).release()
  })

  test('what was cleared and is not given back is cut off when the pool closes', async () => {
    h = manage({ poolMode: 'static' })
    await h.manager.acquire()
    h.manager.clear('schema changed')
    expect(h.driver.open).toHaveLength(1)
    await close(h)
    expect(h.driver.open).toEqual([])
    expect(h.of('poolClosed')).toMatchObject([{ stragglers: [{ leaseId: expect.any(Number) }] }])
  })

  test('cannot be resized to anything but what it is', () => {
    h = manage({ poolMode: 'static' })
    expect(() => h.manager.resize({ poolSize: 7 })).toThrow(
      expect.objectContaining({ code: 'CONNMGR_INVALID_OPTION', option: 'poolSize' }),
    )
    expect(() => h.manager.resize({ maxOverflow: 1 })).toThrow(
      expect.objectContaining({ code: 'CONNMGR_INVALID_OPTION', option: 'maxOverflow' }),
    )
    h.manager.resize({ poolSize: 1, maxOverflow: 0 })
    expect(h.manager.getPoolMetrics()).toMatchObject({ size: 1, limit: 1 })
  })

  test('warmUp opens the connection and holds nothing', async () => {
    h = manage({ poolMode: 'static' })
    await h.manager.warmUp()
    expect(h.manager.getCounts()).toMatchObject({ total: 1, idle: 1, inUse: 0 })
  })

  test('a caller whose signal has fired is refused before anything is opened', async () => {
    h = manage({ poolMode: 'static' })
    const signal = AbortSignal.abort(new Error('too late'))
    await expect(h.manager.acquire({ signal })).rejects.toMatchObject({
      code: 'CONNMGR_ACQUIRE_ABORTED',
      cause: { message: 'too late' },
    })
    expect(h.driver.count('connect')).toBe(0)
    expect(h.of('acquireFailed')).toMatchObject([{ reason: 'aborted', durationMs: 0 }])
  })

  test('a caller who gives up while connecting leaves the others waiting', async () => {
    h = manage({ poolMode: 'static' })
    h.driver.next('connect', { afterMs: 50 })
    const abort = new AbortController()
    const leaving = expectLater(h.manager.acquire({ signal: abort.signal }))
    const staying = h.manager.acquire()
    await h.clock.settle()
    expect(h.manager.getCounts()).toMatchObject({ total: 0, connecting: 1, waiting: 2 })
    abort.abort()
    await expect(leaving).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_ABORTED' })
    await h.clock.advance(50)
    ;(await staying).release()
    expect(h.driver.count('connect')).toBe(1)
  })

  test('goes on trying for those who wait after an attempt failed', async () => {
    h = manage({ poolMode: 'static' })
    h.driver.next('connect', { fail: 'unreachable' }, 'succeed')
    const waiting = h.manager.acquire()
    await h.clock.advance(2000)
    ;(await waiting).release()
    expect(h.of('connectionFailed')).toHaveLength(1)
    expect(h.of('connectionCreated')).toHaveLength(1)
  })

  test('fails everybody who waits at once when the set-up is wrong', async () => {
    h = manage({ poolMode: 'static' })
    h.driver.server('a').state = 'denied'
    const outcomes = await Promise.allSettled([h.manager.acquire(), h.manager.acquire()])
    expect(outcomes).toMatchObject([
      { reason: { code: 'CONNMGR_CONNECT_FAILED' } },
      { reason: { code: 'CONNMGR_CONNECT_FAILED' } },
    ])
    expect(h.driver.count('connect')).toBe(1)
  })

  test('fails everybody who waits when onConnect refuses one connection after the other', async () => {
    h = manage({
      poolMode: 'static',
      onConnect: () => {
        throw new Error('no such schema')
      },
    })
    const acquiring = await Promise.allSettled([h.manager.acquire(), h.manager.acquire()])
    for (const each of acquiring) {
      expect(each).toMatchObject({
        reason: { code: 'CONNMGR_CONNECT_FAILED', cause: { message: 'no such schema' } },
      })
    }
    expect(h.driver.open).toEqual([])
  })

  test('a connection that is lost while it is prepared is not lent', async () => {
    let first = true
    h = manage({
      poolMode: 'static',
      onConnect: (connection) => {
        if (first) connection.lose()
        first = false
      },
    })
    const lease = await h.manager.acquire()
    expect(lease.connection.open).toBe(true)
    expect(h.driver.count('connect')).toBe(2)
    expect(h.of('connectionClosed')).toMatchObject([{ reason: 'lost' }])
    lease.release()
  })

  test('close gives up the attempt to connect and those who wait for it, at its deadline', async () => {
    h = manage({ poolMode: 'static' })
    h.driver.next('connect', 'hang')
    const waiting = expectLater(h.manager.acquire())
    await h.clock.settle()
    await close(h, 500)
    await expect(waiting).rejects.toMatchObject({ code: 'CONNMGR_POOL_CLOSED' })
    expect(h.driver.connecting).toBe(0)
    expect(h.of('connectionFailed')).toEqual([])
    await expect(h.manager.acquire()).rejects.toMatchObject({ code: 'CONNMGR_POOL_CLOSED' })
  })

  test('close names those who do not give the connection back in time', async () => {
    h = manage({ poolMode: 'static' })
    const lease = await h.manager.acquire({ label: 'slow report' })
    const { connection } = lease
    await close(h, 500)
    expect(connection.open).toBe(false)
    expect(h.of('poolClosed')).toMatchObject([
      { durationMs: 500, stragglers: [{ leaseId: lease.id, label: 'slow report' }] },
    ])
    expect(() => lease.release()).not.toThrow()
    expect(h.manager.getHolders()).toEqual([])
  })

  test('close is done as soon as the holder destroys the connection', async () => {
    h = manage({ poolMode: 'static' })
    const lease = await h.manager.acquire()
    const closing = h.manager.close({ drainTimeoutMs: 1000 })
    expect(await h.outcome(closing)).toBe('pending')
    lease.destroy()
    await closing
    expect(h.of('poolClosed')).toMatchObject([{ durationMs: 0, stragglers: [] }])
  })

  test('leaks are listed while they last, and reclaimed if that is wanted', async () => {
    h = manage({
      poolMode: 'static',
      leakDetection: { thresholdMs: 100, captureStack: 'always', reclaim: true },
    })
    const lease = await h.manager.acquire({ label: 'forgetful' })
    const { connection } = lease
    const next = h.manager.acquire()
    await h.clock.advance(150)
    expect(h.of('leakDetected')).toMatchObject([{ reclaimed: true, lease: { label: 'forgetful' } }])
    expect(connection.open).toBe(false)
    expect((await next).connectionId).not.toBe(lease.connectionId)
    lease.release()
    ;(await next).release()
  })

  test('refuses to detach the only connection, and releases it instead', async () => {
    h = manage({ poolMode: 'static' })
    const lease = await h.manager.acquire()
    expect(() => lease.detach()).toThrow(expect.objectContaining({ code: 'CONNMGR_UNSUPPORTED' }))
    expect(h.manager.getPoolMetrics().checkedOut).toBe(0)
    expect(h.driver.open).toHaveLength(1)
  })

  test('refuses the waiter over maxWaiters at once', async () => {
    h = manage({ poolMode: 'static', maxWaiters: 1 })
    h.driver.next('connect', { afterMs: 50 })
    const first = h.manager.acquire()
    await expect(h.manager.acquire()).rejects.toMatchObject({ code: 'CONNMGR_QUEUE_FULL' })
    await h.clock.advance(50)
    ;(await first).release()
  })

  test('who has given the connection back cannot destroy it for the next', async () => {
    h = manage({ poolMode: 'static' })
    const gone = await h.manager.acquire()
    gone.release()
    const staying = await h.manager.acquire()
    gone.destroy()
    expect(staying.connection.open).toBe(true)
    expect(h.of('leaseMisused')).toHaveLength(1)
    staying.release()
  })
})
