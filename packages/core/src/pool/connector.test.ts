import { expectLater } from '../../test/harness.js'
import { closeLone, lonePool } from '../../test/lone-pool.js'
import { connectionCreateChannel } from '../events/channels.js'

describe('attempts to connect', () => {
  test('are repeated after 25 ms at most, then twice as long each time, up to a second, less up to half of it', async () => {
    const lone = lonePool()
    lone.driver.always('connect', { fail: 'unreachable' })
    const failing = expectLater(lone.acquire())
    await lone.clock.advance(30_000)
    await expect(failing).rejects.toMatchObject({ phase: 'connect' })
    const times = lone.driver.callsOf('connect').map((call) => call.at)
    const gaps = times.slice(1).map((at, index) => at - (times[index] as number))
    expect(gaps.length).toBeGreaterThan(20)
    gaps.forEach((gap, index) => {
      const ceiling = Math.min(1000, 25 * 2 ** index)
      expect(gap).toBeGreaterThanOrEqual(ceiling / 2)
      expect(gap).toBeLessThanOrEqual(ceiling)
    })
    expect(new Set(gaps.slice(6)).size).toBeGreaterThan(10)
    await closeLone(lone)
  })

  test('are repeated quickly again after a success', async () => {
    const lone = lonePool()
    lone.driver.always('connect', { fail: 'unreachable' })
    const waiting = lone.acquire()
    await lone.clock.advance(5000)
    lone.driver.always('connect', 'succeed')
    await lone.clock.advance(1000)
    ;(await waiting).destroy()
    lone.driver.next('connect', { fail: 'unreachable' })
    const again = lone.acquire()
    await lone.clock.advance(25)
    ;(await again).release()
    await closeLone(lone)
  })

  test('are repeated at once on retryNow, and quickly again after it', async () => {
    const lone = lonePool()
    lone.driver.always('connect', { fail: 'unreachable' })
    const waiting = lone.acquire()
    await lone.clock.advance(5000)
    const tried = lone.driver.count('connect')
    lone.pool.serverChanged({ condition: 'open' })
    await lone.clock.settle()
    expect(lone.driver.count('connect')).toBe(tried + 1)
    await lone.clock.advance(25)
    expect(lone.driver.count('connect')).toBe(tried + 2)
    lone.driver.always('connect', 'succeed')
    lone.pool.serverChanged({ condition: 'open' })
    ;(await waiting).release()
    await closeLone(lone)
  })

  test('are not begun by others while one pauses after a failure', async () => {
    const lone = lonePool()
    lone.driver.next('connect', { fail: 'unreachable' })
    const first = lone.acquire()
    await lone.clock.settle()
    const second = lone.acquire()
    await lone.clock.settle()
    expect(lone.driver.count('connect')).toBe(1)
    await lone.clock.advance(25)
    for (const lease of await Promise.all([first, second])) lease.release()
    await closeLone(lone)
  })

  test('that were given up for the loss of the endpoint do not delay the next', async () => {
    const lone = lonePool()
    lone.driver.next('connect', { fail: 'unreachable' })
    const waiting = lone.acquire()
    await lone.clock.settle()
    lone.pool.destroyAll('the endpoint is DOWN')
    await lone.clock.settle()
    ;(await waiting).release()
    expect(lone.clock.now()).toBe(0)
    await closeLone(lone)
  })

  test('are no reason for a timeout any more once one has succeeded', async () => {
    const lone = lonePool({ poolSize: 1, maxOverflow: 0 })
    lone.driver.next('connect', { fail: 'unreachable' })
    const waiting = lone.acquire()
    await lone.clock.advance(100)
    const lease = await waiting
    const failing = expectLater(lone.acquire({ timeoutMs: 50 }))
    await lone.clock.advance(50)
    const error = await failing.catch((thrown) => thrown)
    expect(error).toMatchObject({ phase: 'wait' })
    expect(error.cause).toBeUndefined()
    lease.release()
    await closeLone(lone)
  })

  test('that are given up tell the driver why', async () => {
    const lone = lonePool({ connectTimeoutMs: 100 })
    const connect = jest.spyOn(lone.driver, 'connect')
    lone.driver.always('connect', 'hang')
    const waiting = new AbortController()
    expectLater(lone.acquire({ signal: waiting.signal }))
    await lone.clock.advance(200)
    waiting.abort()
    await closeLone(lone)
    const reasons = connect.mock.calls.map(([, { signal }]) => signal.reason)
    expect(reasons).toMatchObject([
      { code: 'CONNMGR_CONNECT_TIMEOUT', message: expect.stringContaining('100 ms') },
      { message: 'the pool is closing' },
    ])
  })

  test('that fail before there is a promise count as any other', async () => {
    const lone = lonePool()
    lone.driver.next('connect', { throw: new Error('no such host') })
    const waiting = lone.acquire()
    await lone.clock.advance(25)
    ;(await waiting).release()
    expect(lone.of('connectionFailed')).toMatchObject([{ error: { message: 'no such host' } }])
    await closeLone(lone)
  })

  test('are traced with where they lead and for which pool', async () => {
    const lone = lonePool()
    const seen: object[] = []
    const start = (context: unknown) => {
      seen.push({ ...(context as object) })
    }
    connectionCreateChannel.start.subscribe(start)
    try {
      ;(await lone.acquire()).release()
    } finally {
      connectionCreateChannel.start.unsubscribe(start)
    }
    expect(seen).toMatchObject([{ serverAddress: 'a', serverPort: 5432, poolName: 'p' }])
    await closeLone(lone)
  })

  test('that the driver does not give up when aborted holds up no caller', async () => {
    const lone = lonePool()
    lone.driver.always('connect', { afterMs: 10_000, ignoreAbort: true })
    const waiting = new AbortController()
    expectLater(lone.acquire({ signal: waiting.signal }))
    await lone.clock.advance(10)
    waiting.abort()
    await lone.pool.close(60_000)
    expect(lone.of('poolClosed')).toMatchObject([{ durationMs: 0 }])
    await lone.clock.advance(10_000)
    expect(lone.driver.connections.map(({ ended }) => ended)).toEqual(['destroyed'])
  })
})

describe('how many connections are opened for a queue', () => {
  const BEGAN = 1000

  /** A pool that knows that connecting takes 100 ms and that a connection is held for 25 ms; `lent` are in use. */
  async function learned(lent: number) {
    const lone = lonePool({ poolSize: 10, connectConcurrency: 4 })
    lone.driver.always('connect', { afterMs: 100 })
    await lone.clock.advance(BEGAN)
    const acquiring = Array.from({ length: lent }, () => lone.acquire())
    await lone.clock.advance(100)
    const leases = await Promise.all(acquiring)
    await lone.clock.advance(25)
    for (const lease of leases) lease.release()
    for (const _ of leases) await lone.acquire()
    lone.driver.always('connect', 'hang')
    const queue = (count: number) => {
      for (let n = 0; n < count; n += 1) expectLater(lone.acquire())
    }
    return { ...lone, lone, queue }
  }

  test('one, as long as those in use will be back before a second would be there', async () => {
    const { lone, driver, queue } = await learned(1)
    queue(3)
    expect(driver.connecting).toBe(1)
    queue(1)
    expect(driver.connecting).toBe(4)
    await closeLone(lone)
  })

  test('one for twice the queue if twice as many are in use', async () => {
    const { lone, driver, queue } = await learned(2)
    queue(7)
    expect(driver.connecting).toBe(1)
    queue(1)
    expect(driver.connecting).toBe(4)
    await closeLone(lone)
  })

  test('more as soon as a caller has waited for as long as connecting takes', async () => {
    const { lone, driver, clock, queue } = await learned(1)
    queue(2)
    await clock.advance(99)
    queue(1)
    expect(driver.connecting).toBe(1)
    await clock.advance(1)
    lone.pool.serverChanged({ serving: true })
    expect(driver.connecting).toBe(3)
    await closeLone(lone)
  })

  test('as many as there is need for while none is in use', async () => {
    const { lone, driver, queue } = await learned(1)
    for (const lease of lone.pool.leases.current()) lease.destroy()
    queue(3)
    expect(driver.connecting).toBe(3)
    await closeLone(lone)
  })

  test('the time connections are held is the mean of late, the latest weighing an eighth', async () => {
    const lone = lonePool({ poolSize: 10, connectConcurrency: 4 })
    lone.driver.always('connect', { afterMs: 150 })
    const waiting = lone.acquire()
    await lone.clock.advance(150)
    const lease = await waiting
    await lone.clock.advance(80)
    lease.release()
    ;(await lone.acquire()).release()
    // 80 ms, then 0 ms, are 70 ms on the mean.
    await lone.acquire()
    lone.driver.always('connect', 'hang')
    for (let n = 0; n < 2; n += 1) expectLater(lone.acquire())
    expect(lone.driver.connecting).toBe(1)
    expectLater(lone.acquire())
    expect(lone.driver.connecting).toBe(3)
    await closeLone(lone)
  })
})
