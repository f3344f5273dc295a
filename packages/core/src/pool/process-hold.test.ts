import { close, manage } from '../../test/harness.js'
import { closeLone, lonePool } from '../../test/lone-pool.js'

const holding = (lone: ReturnType<typeof lonePool>): boolean[] =>
  lone.driver.open.map((each) => each.holdsProcess)

test('with allowExitOnIdle a connection keeps the process while it is lent, and not when it is idle', async () => {
  const lone = lonePool({ allowExitOnIdle: true, reset: 'discard-all' })
  for (let lending = 0; lending < 2; lending += 1) {
    const lease = await lone.acquire()
    expect(holding(lone)).toEqual([true])
    lone.driver.next('reset', { afterMs: 50 })
    lease.release()
    await lone.clock.advance(49)
    // It is being cleaned.
    expect(holding(lone)).toEqual([true])
    await lone.clock.advance(1)
    expect(holding(lone)).toEqual([false])
  }
  await closeLone(lone)
})

test('a connection that is opened for the reserve keeps no process that may exit', async () => {
  const lone = lonePool({ allowExitOnIdle: true, minIdle: 2, poolSize: 2 })
  lone.pool.maintain()
  await lone.clock.settle()
  expect(holding(lone)).toEqual([false, false])
  await closeLone(lone)
})

test.each([
  [{ idleTimeoutMs: 0 }, 10_000],
  [{ idleTimeoutMs: 600_000 }, 10_000],
  [{ idleTimeoutMs: 3000, minIdle: 1, poolSize: 1, maxOverflow: 0 }, 3000],
])('without it, and with %j, an idle connection keeps it for %i ms', async (options, ms) => {
  const lone = lonePool(options)
  ;(await lone.acquire()).release()
  await lone.clock.advance(ms - 1)
  lone.pool.maintain()
  expect(holding(lone)).toEqual([true])
  await lone.clock.advance(1)
  lone.pool.maintain()
  expect(holding(lone)).toEqual([false])
  const lease = await lone.acquire()
  expect(holding(lone)).toEqual([true])
  lease.release()
  lone.pool.maintain()
  expect(holding(lone)).toEqual([true])
  await closeLone(lone)
})

test('a connection that is detached keeps the process', async () => {
  const lone = lonePool({ allowExitOnIdle: true })
  ;(await lone.acquire()).release()
  const detached = (await lone.acquire()).detach()
  expect(detached.holdsProcess).toBe(true)
  await closeLone(lone)
})

test('what goes on in the background sets no timer that keeps the process', async () => {
  const h = manage({ endpoints: ['a', 'b'], healthMonitoring: true })
  h.driver.server('b').hang()
  const acquiring = h.manager.acquire()
  await h.clock.advance(5000)
  ;(await acquiring).release()
  for (let passed = 0; passed < 20; passed += 1) {
    expect(h.clock.pendingKeepAliveTimers).toBe(0)
    await h.clock.advance(777)
  }
  const checking = h.manager.checkHealth()
  expect(h.clock.pendingKeepAliveTimers).toBe(1)
  await h.clock.advance(10_000)
  await checking
  expect(h.clock.pendingKeepAliveTimers).toBe(0)
  await close(h)
})

test('a close that waits for a check keeps the process until it has settled', async () => {
  const h = manage({ healthMonitoring: true })
  h.driver.always('openProbe', { afterMs: 300 })
  const acquiring = h.manager.acquire()
  await h.clock.settle()
  ;(await acquiring).release()
  let closed = false
  const closing = h.manager.close().then(() => {
    closed = true
  })
  for (let ms = 0; ms < 1000 && !closed; ms += 10) {
    expect(h.clock.pendingKeepAliveTimers).toBeGreaterThan(0)
    await h.clock.advance(10)
  }
  await closing
  // The login that was given up.
  await h.clock.advance(300)
  expect(h.clock.pendingTimers).toBe(0)
})
