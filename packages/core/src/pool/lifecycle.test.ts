import { close, expectLater, type Harness, manage } from '../../test/harness.js'
import { closeLone, lonePool } from '../../test/lone-pool.js'

function promiseWithResolve(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

describe('lifecycle', () => {
  let h: Harness

  test('close serves those who wait, refuses those who come, and closes idle connections at once', async () => {
    h = manage({ poolSize: 2, maxOverflow: 0 })
    const [lent, idle] = await Promise.all([h.manager.acquire(), h.manager.acquire()])
    const waiting = [h.manager.acquire(), h.manager.acquire()]
    const closing = h.manager.close({ drainTimeoutMs: 1000 })
    await expect(h.manager.acquire()).rejects.toMatchObject({ code: 'CONNMGR_POOL_CLOSED' })
    idle.release()
    lent.release()
    const [third, fourth] = await Promise.all(waiting)
    third?.release()
    await h.clock.settle()
    expect(h.driver.open).toHaveLength(1)
    fourth?.release()
    await closing
    expect(h.driver.open).toEqual([])
    expect(h.of('poolClosed')).toMatchObject([{ stragglers: [] }])
    expect(h.of('acquireFailed')).toMatchObject([{ reason: 'closed' }])
    expect(h.clock.pendingTimers).toBe(0)
  })

  test('those who still wait at the deadline fail with the reason', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0 })
    const lease = await h.manager.acquire()
    const waiting = expectLater(h.manager.acquire())
    const closing = h.manager.close({ drainTimeoutMs: 500 })
    await h.clock.advance(499)
    expect(await h.outcome(waiting)).toBe('pending')
    await h.clock.advance(2)
    await expect(waiting).rejects.toMatchObject({
      code: 'CONNMGR_POOL_CLOSED',
      message: expect.stringContaining('drainTimeoutMs'),
    })
    await closing
    lease.release()
    expect(h.clock.pendingTimers).toBe(0)
  })

  test('close settles when the last waiter gives up', async () => {
    h = manage({ prepare: (driver) => driver.always('connect', 'hang') })
    const controller = new AbortController()
    const waiting = expectLater(h.manager.acquire({ signal: controller.signal }))
    await h.clock.advance(10)
    const closing = h.manager.close({ drainTimeoutMs: 60_000 })
    expect(await h.outcome(closing)).toBe('pending')
    controller.abort()
    await closing
    await expect(waiting).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_ABORTED' })
    expect(h.clock.pendingTimers).toBe(0)
  })

  test('a unit of work that began before is run again while the manager closes', async () => {
    h = manage()
    let attempts = 0
    const working = h.manager.transaction(
      async (connection) => {
        attempts += 1
        if (attempts === 1) {
          connection.lose()
          await connection.query('insert into t values (1)')
        }
        return attempts
      },
      { replay: 'safe' },
    )
    await h.clock.settle()
    const closing = h.manager.close({ drainTimeoutMs: 5000 })
    await h.clock.advance(1000)
    expect(await working).toBe(2)
    await closing
    expect(h.driver.open).toEqual([])
  })

  test('work that began before is refused another connection once the manager closes', async () => {
    h = manage()
    const { promise: begun, resolve: begin } = promiseWithResolve()
    const working = expectLater(
      h.manager.use(async () => {
        await begun
        return h.manager.use(() => 'nested')
      }),
    )
    await h.clock.settle()
    const closing = h.manager.close()
    begin()
    await expect(working).rejects.toMatchObject({ code: 'CONNMGR_POOL_CLOSED' })
    await closing
  })

  test('waiters follow the writer to another server while the manager closes', async () => {
    h = manage({
      endpoints: ['a', 'b'],
      poolSize: 1,
      maxOverflow: 0,
      failover: { mode: 'ordered' },
    })
    const acquiring = h.manager.acquire()
    await h.clock.advance(3000)
    const lease = await acquiring
    const waiting = h.manager.acquire()
    const closing = h.manager.close({ drainTimeoutMs: 30_000 })
    h.driver.server('a').crash()
    await h.clock.advance(10_000)
    const moved = await waiting
    expect(moved.connection.endpoint.id).toBe('b')
    moved.release()
    lease.release()
    await closing
    expect(h.driver.open).toEqual([])
    expect(h.clock.pendingTimers).toBe(0)
  })

  test('a lease that does not come back is named and destroyed at the deadline', async () => {
    h = manage({ leakDetection: { captureStack: 'always' } })
    const lease = await h.manager.acquire({ label: 'forgotten' })
    const closing = h.manager.close({ drainTimeoutMs: 500 })
    await h.clock.advance(501)
    await closing
    expect(h.of('poolClosed')).toMatchObject([
      {
        stragglers: [
          { label: 'forgotten', checkedOutBy: expect.stringContaining('lifecycle.test.ts') },
        ],
      },
    ])
    expect(h.driver.open).toEqual([])
    lease.release()
    expect(h.clock.pendingTimers).toBe(0)
  })

  test('a second close is the same promise', async () => {
    h = manage()
    const closing = h.manager.close()
    expect(h.manager.close()).toBe(closing)
    await closing
    expect(h.manager.closed).toBe(true)
  })

  test('a connection that is being opened for a caller while the pool closes is lent, and closed when it comes back', async () => {
    h = manage()
    h.driver.next('connect', { afterMs: 50 })
    const waiting = h.manager.acquire()
    await h.clock.advance(10)
    const closing = h.manager.close({ drainTimeoutMs: 1000 })
    await h.clock.advance(100)
    ;(await waiting).release()
    await closing
    expect(h.driver.open).toEqual([])
    expect(h.driver.count('connect')).toBe(1)
  })

  test.each([1, 3, 5, 6, 7, 8, 9, 10, 12, 15])(
    'a close %i turns after an acquire began leaves no connection open',
    async (turns) => {
      h = manage()
      expectLater(h.manager.acquire())
      for (let turn = 0; turn < turns; turn += 1) await undefined
      await close(h)
      expect(h.driver.open).toHaveLength(0)
    },
  )

  test('a close that hangs is cut off', async () => {
    h = manage({ closeTimeoutMs: 100, prepare: (driver) => driver.always('close', 'hang') })
    ;(await h.manager.acquire()).release()
    const closing = h.manager.close()
    await h.clock.advance(150)
    await closing
    expect(h.driver.open).toEqual([])
    expect(h.clock.pendingTimers).toBe(0)
  })

  test('suspend holds acquires, resume serves them', async () => {
    h = manage({ poolSize: 1 })
    ;(await h.manager.acquire()).release()
    h.manager.suspend()
    const held = h.manager.acquire()
    expect(await h.outcome(held)).toBe('pending')
    expect(h.manager.getPoolMetrics().waiting).toBe(1)
    h.manager.resume()
    ;(await held).release()
    await close(h)
  })

  test('a held acquire keeps its deadline', async () => {
    h = manage({ acquireTimeoutMs: 300 })
    h.manager.suspend()
    const held = expectLater(h.manager.acquire())
    await h.clock.advance(301)
    await expect(held).rejects.toMatchObject({
      phase: 'no-endpoint',
      message: expect.stringContaining('suspended'),
    })
    await close(h)
  })

  test('onConnect prepares a connection before it is lent, and its failure reaches the caller', async () => {
    const prepared: number[] = []
    h = manage({
      onConnect: async (connection) => {
        prepared.push(connection.id)
        if (prepared.length === 1) throw new Error('no SET for you')
      },
    })
    await expect(h.manager.acquire()).rejects.toThrow('no SET for you')
    ;(await h.manager.acquire()).release()
    expect(prepared).toHaveLength(2)
    expect(h.driver.open).toHaveLength(1)
    await close(h)
  })

  test('a hook that hangs costs its connection at the deadline', async () => {
    h = manage({ onConnect: () => new Promise(() => {}), connectTimeoutMs: 50 })
    const acquiring = expectLater(h.manager.acquire({ timeoutMs: 60 }))
    await h.clock.advance(60)
    expect(await h.outcome(acquiring)).toBe('CONNMGR_ACQUIRE_TIMEOUT')
    expect(h.driver.connections[0]?.ended).toBe('destroyed')
  })

  test('a listener that throws does no harm and is reported', async () => {
    h = manage()
    h.manager.on('connectionCreated', () => {
      throw new Error('bad listener')
    })
    ;(await h.manager.acquire()).release()
    expect(h.of('listenerFailed')).toMatchObject([{ error: { message: 'bad listener' } }])
    await close(h)
  })

  test('a logger that throws does no harm', async () => {
    const fail = (): never => {
      throw new Error('bad logger')
    }
    h = manage({ logger: { debug: fail, info: fail, warn: fail, error: fail } })
    ;(await h.manager.acquire()).release()
    await close(h)
  })

  test('an unsubscribed listener hears nothing more', async () => {
    h = manage()
    let received = 0
    const stop = h.manager.on('connectionAcquired', () => {
      received += 1
    })
    ;(await h.manager.acquire()).release()
    stop()
    ;(await h.manager.acquire()).release()
    expect(received).toBe(1)
    await close(h)
  })

  test('a pool that is empty closes at once', async () => {
    const lone = lonePool()
    await lone.pool.close(60_000)
    expect(lone.of('poolClosed')).toEqual([
      { type: 'poolClosed', pool: 'p', endpoint: 'a', durationMs: 0, stragglers: [] },
    ])
    expect(lone.clock.pendingTimers).toBe(0)
  })

  test('closing says goodbye to idle connections, and takes those given back meanwhile', async () => {
    const lone = lonePool({ poolSize: 2 })
    const [lent, idle] = await Promise.all([lone.acquire(), lone.acquire()])
    idle.release()
    await lone.clock.advance(50)
    const closing = lone.pool.close(1000)
    await lone.clock.advance(300)
    expect(lone.driver.open).toEqual([lent.connection])
    const { connection } = lent
    lent.release()
    await closing
    expect(connection.ended).toBe('closed')
    expect(lone.of('connectionClosed').map((event) => event.reason)).toEqual(['closed', 'closed'])
    expect(lone.of('poolClosed')).toMatchObject([{ durationMs: 300, stragglers: [] }])
  })

  test('a connection that comes back in a transaction while the pool closes is not cleaned first', async () => {
    const lone = lonePool({ reset: 'reset-all' })
    const lease = await lone.acquire()
    lease.connection.condition = 'transaction'
    const closing = lone.pool.close(1000)
    await lone.clock.settle()
    lease.release()
    await closing
    expect([lone.driver.count('rollback'), lone.driver.count('reset')]).toEqual([0, 0])
    expect(lone.of('connectionClosed')).toMatchObject([{ reason: 'closed' }])
  })

  test('stragglers lose their connections, whose holders are struck off', async () => {
    const lone = lonePool()
    const lease = await lone.acquire({ label: 'slow' })
    const { connection } = lease
    const closing = lone.pool.close(500)
    await lone.clock.advance(500)
    await closing
    expect(lone.of('poolClosed')).toMatchObject([
      { durationMs: 500, stragglers: [{ label: 'slow', heldForMs: 500 }] },
    ])
    expect(lone.of('connectionClosed')).toMatchObject([{ reason: 'closed' }])
    expect(connection.open).toBe(false)
    expect(lone.pool.counts).toMatchObject({ total: 0, inUse: 0 })
    lease.release()
    expect(lone.of('connectionReleased')).toEqual([])
  })

  test('a pool that is closing opens nothing for its reserve', async () => {
    const lone = lonePool({ poolSize: 3, minIdle: 3, connectConcurrency: 1 })
    lone.driver.always('connect', { afterMs: 50, ignoreAbort: true })
    lone.pool.maintain()
    await lone.clock.settle()
    const closing = lone.pool.close(1000)
    await lone.clock.advance(10)
    lone.pool.maintain()
    lone.pool.serverChanged({ serving: true })
    lone.pool.serverChanged({ condition: 'open' })
    await lone.clock.advance(100)
    await closing
    expect(lone.driver.count('connect')).toBe(1)
    expect(lone.driver.open).toEqual([])
  })

  test('a pool that is closing reports no leak', async () => {
    const lone = lonePool({ leakDetection: { thresholdMs: 100, reclaim: true } })
    const lease = await lone.acquire()
    const closing = lone.pool.close(1000)
    await lone.clock.advance(500)
    lone.pool.maintain()
    expect(lone.of('leakDetected')).toEqual([])
    expect(lease.connection.open).toBe(true)
    lease.release()
    await closing
  })

  test('close waits for the goodbyes, and cuts off the one that hangs', async () => {
    const lone = lonePool({ poolSize: 2, closeTimeoutMs: 100 })
    const leases = await Promise.all([lone.acquire(), lone.acquire()])
    for (const lease of leases) lease.release()
    lone.driver.next('close', { afterMs: 40 }, 'hang')
    const closing = lone.pool.close(1000)
    await lone.clock.advance(99)
    expect(lone.of('poolClosed')).toEqual([])
    await lone.clock.advance(1)
    await closing
    expect(lone.driver.connections.map((each) => each.ended)).toEqual(['closed', 'destroyed'])
  })

  test('a connection that is broken gets no goodbye', async () => {
    const lone = lonePool()
    ;(await lone.acquire()).release()
    const [connection] = lone.driver.open
    if (connection !== undefined) connection.condition = 'broken'
    await lone.pool.close(0)
    expect(lone.driver.count('close')).toBe(0)
    expect(connection?.ended).toBe('destroyed')
  })

  test('a hook that refuses a connection fails one caller and is no failure of the server', async () => {
    let refusals = 1
    const lone = lonePool({
      onConnect: () => {
        refusals -= 1
        if (refusals >= 0) throw new Error('not this one')
      },
    })
    const [first, second] = [expectLater(lone.acquire()), lone.acquire()]
    await expect(first).rejects.toThrow('not this one')
    ;(await second).release()
    expect(lone.clock.now()).toBe(0)
    expect(lone.reported.filter(({ what }) => what === 'connectFailed')).toEqual([])
    expect(lone.of('connectionFailed')).toMatchObject([{ error: { message: 'not this one' } }])
    expect(lone.of('acquireFailed')).toMatchObject([{ reason: 'connect-failed' }])
    await closeLone(lone)
  })

  test('a hook that refuses a connection without a waiter does no harm', async () => {
    const lone = lonePool({
      onConnect: () => {
        throw new Error('not this one')
      },
    })
    const controller = new AbortController()
    const leaving = expectLater(lone.acquire({ signal: controller.signal }))
    controller.abort()
    await expect(leaving).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_ABORTED' })
    await lone.clock.settle()
    expect(lone.of('connectionFailed')).toHaveLength(1)
    expect(lone.driver.open).toEqual([])
    await closeLone(lone)
  })

  test('a hook whose attempt was given up loses its connection at once, and once', async () => {
    let fail = (_error: Error): void => {}
    const lone = lonePool({
      onConnect: () =>
        new Promise<void>((_resolve, reject) => {
          fail = reject
        }),
    })
    expectLater(lone.acquire())
    await lone.clock.settle()
    const closing = lone.pool.close(1000)
    await lone.clock.advance(1000)
    await closing
    expect(lone.driver.open).toEqual([])
    expect(lone.driver.count('destroy')).toBe(1)
    fail(new Error('the connection is gone'))
    await lone.clock.settle()
    expect(lone.driver.count('destroy')).toBe(1)
    expect(lone.of('connectionCreated')).toEqual([])
  })

  test('a prepared connection outlives the end of its attempt', async () => {
    const lone = lonePool({ onConnect: () => {} })
    const lease = await lone.acquire()
    await lone.clock.advance(60_000)
    expect(lease.connection.open).toBe(true)
    lease.release()
    await closeLone(lone)
  })

  test('a pool is closed only when all of its leases have come back', async () => {
    const lone = lonePool({ poolSize: 2 })
    const [first, second] = await Promise.all([lone.acquire(), lone.acquire()])
    const closing = lone.pool.close(1000)
    await lone.clock.advance(100)
    first.release()
    await lone.clock.advance(100)
    expect(lone.of('poolClosed')).toEqual([])
    second.release()
    await closing
    expect(lone.of('poolClosed')).toMatchObject([{ durationMs: 200 }])
  })

  // The order of two chains of promises decides what a close finds: a connect under way, done, or in between.
  test.each(Array.from({ length: 16 }, (_, turn) => turn))(
    'once a pool is closed nothing of it is open, also if a connect began %i turns before',
    async (turns) => {
      for (const poolMode of ['pooled', 'static'] as const) {
        for (const first of ['acquire', 'close'] as const) {
          const lone = lonePool({ poolMode })
          const lease = poolMode === 'pooled' ? await lone.acquire() : undefined
          let openWhenClosed = -1
          const close = async () => {
            for (let turn = 0; turn < turns; turn += 1) await undefined
            const closing = lone.pool.close(100)
            await undefined
            lease?.release()
            await closing
            openWhenClosed = lone.driver.open.length
          }
          if (first === 'acquire') expectLater(lone.acquire())
          const closing = close()
          if (first === 'close') expectLater(lone.acquire())
          await lone.clock.advance(2000)
          await closing
          expect(openWhenClosed).toBe(0)
          const reasons = new Set(lone.of('connectionClosed').map(({ reason }) => reason))
          expect([[], ['closed']]).toContainEqual([...reasons])
        }
      }
    },
  )

  test('callers of a closed pool, and those who waited, are reported as such', async () => {
    const lone = lonePool({ poolSize: 1, maxOverflow: 0 })
    const lease = await lone.acquire()
    const waiting = expectLater(lone.acquire())
    const [moved] = lone.pool.queue.extract(() => true)
    const moving = expectLater(lone.acquire())
    const closing = lone.pool.close(1000)
    await expect(lone.acquire()).rejects.toMatchObject({ code: 'CONNMGR_POOL_CLOSED' })
    if (moved !== undefined) lone.pool.queue.enqueue(moved)
    await lone.clock.advance(1002)
    await expect(moving).rejects.toMatchObject({ code: 'CONNMGR_POOL_CLOSED' })
    await expect(waiting).rejects.toMatchObject({ code: 'CONNMGR_POOL_CLOSED' })
    expect(lone.of('acquireFailed').map((event) => event.reason)).toEqual([
      'closed',
      'closed',
      'closed',
    ])
    lease.release()
    await closing
  })
})

describe('metrics', () => {
  test('every field of the snapshot is right after some traffic', async () => {
    const h = manage({ poolSize: 2, maxOverflow: 1 })
    const lease = await h.manager.acquire()
    await h.clock.advance(100)
    lease.release()
    const held = await h.manager.acquire()
    expect(h.manager.getPoolMetrics()).toEqual({
      size: 2,
      checkedIn: 0,
      checkedOut: 1,
      overflow: 0,
      totalCheckouts: 2,
      totalConnectionsCreated: 1,
      totalConnectionsClosed: 0,
      leakedConnections: 0,
      activeLeaks: 0,
      failedCheckouts: 0,
      avgCheckoutTimeMs: 100,
      avgWaitTimeMs: 0,
      waiting: 0,
      connecting: 0,
      utilization: 1 / 3,
      limit: 3,
    })
    held.release()
    await close(h)
  })
})
