import type { FakeBehaviour } from '@connmgr/testing'
import {
  close,
  expectLater,
  type Harness,
  type HarnessOptions,
  manage,
} from '../../test/harness.js'

const LOGIN_MS = 20
const CALLERS = 6

describe('after the server has ended the connections', () => {
  let h: Harness
  afterEach(() => close(h))

  /** All connections of a pool that was in use are gone, and callers wait for others. */
  async function cutOff(
    options: HarnessOptions = {},
    connect: FakeBehaviour = { afterMs: LOGIN_MS },
  ): Promise<Promise<unknown>[]> {
    h = manage({ poolSize: 10, ...options })
    h.driver.always('connect', { afterMs: LOGIN_MS })
    h.driver.always('openProbe', { afterMs: LOGIN_MS })
    await h.clock.advance(1000)
    const first = Array.from({ length: CALLERS }, () => h.manager.acquire())
    await h.clock.advance(10 * LOGIN_MS)
    for (const lease of await Promise.all(first)) lease.release()
    h.driver.always('connect', connect)
    h.driver.server('a').terminateAll()
    return Array.from({ length: CALLERS }, () => expectLater(h.manager.acquire()))
  }

  test('one login goes ahead of the others, which begin when it is lent', async () => {
    const waiting = await cutOff()
    await h.clock.advance(LOGIN_MS - 1)
    expect(h.driver.connecting).toBe(1)
    await h.clock.advance(1)
    expect(await h.outcome(waiting[0] as Promise<unknown>)).toBe('resolved')
    await h.clock.advance(1)
    expect(h.driver.connecting).toBe(4)
    await h.clock.advance(10 * LOGIN_MS)
    await Promise.all(waiting)
  })

  test('one that hangs holds up the others for a moment only', async () => {
    await cutOff({}, 'hang')
    await h.clock.advance(100)
    expect(h.driver.connecting).toBe(1)
    await h.clock.advance(100)
    expect(h.driver.connecting).toBe(4)
  })

  test('one that is refused leaves the rest to the back-off', async () => {
    const waiting = await cutOff({}, { fail: 'unreachable' })
    const begun = h.driver.count('connect')
    await h.clock.advance(5000)
    // Not four at once each time.
    expect(h.driver.count('connect') - begun).toBeLessThan(80)
    h.driver.always('connect', { afterMs: LOGIN_MS })
    await h.clock.advance(5000)
    await Promise.all(waiting)
  })

  test('one that was lost long ago holds nothing up', async () => {
    h = manage({ poolSize: 10 })
    h.driver.always('connect', { afterMs: LOGIN_MS })
    const acquiring = h.manager.acquire()
    await h.clock.advance(LOGIN_MS)
    ;(await acquiring).release()
    h.driver.server('a').terminateAll()
    await h.clock.advance(2000)
    const waiting = Array.from({ length: CALLERS }, () => h.manager.acquire())
    await h.clock.settle()
    expect(h.driver.connecting).toBe(4)
    await h.clock.advance(10 * LOGIN_MS)
    await Promise.all(waiting)
  })

  test('the only server is asked over the connection that a caller waits for, not by a login beside it', async () => {
    const waiting = await cutOff({ healthMonitoring: { intervalMs: 100_000 } })
    const logins = h.driver.count('openProbe')
    await h.clock.advance(10 * LOGIN_MS)
    await Promise.all(waiting)
    expect(h.driver.count('openProbe')).toBe(logins)
    expect(h.driver.count('ask')).toBeGreaterThan(0)
    expect(h.manager.getHealthStatus().status).toBe('healthy')
  })

  test('the only server is asked by a login of its own where the pool comes to none', async () => {
    await cutOff({ healthMonitoring: { intervalMs: 100_000 } }, 'hang')
    const logins = h.driver.count('openProbe')
    await h.clock.advance(1000)
    expect(h.driver.count('openProbe')).toBeGreaterThan(logins)
  })

  test('that a hook of the user fails on the connection says nothing of the server', async () => {
    let isFailing = false
    const onConnect = (): void => {
      if (isFailing) throw new Error('a hook')
    }
    h = manage({ poolSize: 10, onConnect, healthMonitoring: { intervalMs: 100 } })
    h.driver.always('connect', { afterMs: LOGIN_MS })
    await h.clock.advance(1000)
    const acquiring = h.manager.acquire()
    await h.clock.advance(LOGIN_MS)
    ;(await acquiring).release()
    isFailing = true
    h.driver.server('a').terminateAll()
    expectLater(h.manager.acquire())
    const { failedChecks } = h.manager.getHealthStats()
    await h.clock.advance(1000)
    expect(h.manager.getHealthStats().failedChecks).toBe(failedChecks)
  })
})
