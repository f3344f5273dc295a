import { close, type Harness, type HarnessOptions, manage } from '../../test/harness.js'

/** What the pool does when the process goes on after a stop, in which its sockets may have been forgotten. */
let h: Harness
afterEach(async () => {
  await close(h)
  expect(h.clock.pendingTimers).toBe(0)
})

const STOP_MS = 20_000

async function started(options: HarnessOptions = {}): Promise<void> {
  h = manage({ prePing: true, prePingBypassMs: 3_600_000, poolSize: 1, maxOverflow: 0, ...options })
  ;(await h.manager.acquire()).release()
  await h.clock.advance(150)
}

test('an acquire before any timer has run asks the idle connection first', async () => {
  await started()
  h.clock.stall(STOP_MS)
  const acquiring = h.manager.acquire()
  expect(h.driver.count('validate')).toBe(1)
  ;(await acquiring).release()
  ;(await h.manager.acquire()).release()
  expect(h.driver.count('validate')).toBe(1)
})

test('a sleep of the machine that only the wall clock shows counts too', async () => {
  await started()
  h.clock.shiftWallTime(STOP_MS)
  await h.clock.advance(3)
  ;(await h.manager.acquire()).release()
  expect(h.driver.count('validate')).toBe(1)
})

test('a connection is not fresh because of an answer that was read after the stop', async () => {
  await started()
  const lease = await h.manager.acquire()
  h.clock.stall(STOP_MS)
  // Its answer was there before the stop, and is read before any timer has run.
  lease.release()
  h.driver.next('validate', { fail: 'lost' })
  const next = h.manager.acquire()
  await h.clock.advance(200)
  expect((await next).connectionId).not.toBe(lease.connectionId)
  ;(await next).release()
})

test('nor is it handed to the first who waits', async () => {
  await started()
  const lease = await h.manager.acquire()
  const waiting = h.manager.acquire()
  h.clock.stall(STOP_MS)
  h.driver.next('validate', { fail: 'lost' })
  lease.release()
  expect(h.driver.count('validate')).toBe(1)
  await h.clock.advance(200)
  expect((await waiting).connectionId).not.toBe(lease.connectionId)
  ;(await waiting).release()
})

test('an answer to its ping that came before the stop does not make it fit', async () => {
  await started({ prePingBypassMs: 0 })
  h.driver.next('validate', { afterMs: 10 })
  const waiting = h.manager.acquire()
  h.clock.stall(STOP_MS)
  h.driver.next('validate', { fail: 'lost' })
  await h.clock.advance(200)
  expect(h.driver.count('validate')).toBe(2)
  ;(await waiting).release()
  expect(h.driver.connections).toHaveLength(2)
})

test('a connection that was being opened at the stop is asked before it is lent', async () => {
  h = manage()
  h.driver.next('connect', { afterMs: 10 })
  await h.manager.start()
  const waiting = h.manager.acquire()
  await h.clock.settle()
  h.clock.stall(STOP_MS)
  await h.clock.advance(200)
  ;(await waiting).release()
  expect(h.driver.count('validate')).toBe(1)
})

test('one whose reset was under way at the stop is asked before it is lent', async () => {
  await started({ reset: 'reset-all' })
  const lease = await h.manager.acquire()
  const waiting = h.manager.acquire()
  h.driver.next('reset', { afterMs: 10 })
  lease.release()
  await h.clock.settle()
  h.clock.stall(STOP_MS)
  await h.clock.advance(200)
  ;(await waiting).release()
  expect(h.driver.count('validate')).toBe(1)
})

test('a short pause, and a wall clock that is set back, cost no ping', async () => {
  await started()
  h.clock.stall(200)
  ;(await h.manager.acquire()).release()
  h.clock.shiftWallTime(-STOP_MS)
  await h.clock.advance(300)
  ;(await h.manager.acquire()).release()
  expect(h.driver.count('validate')).toBe(0)
})
