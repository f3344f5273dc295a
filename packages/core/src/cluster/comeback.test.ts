import {
  close,
  expectLater,
  type Harness,
  type HarnessOptions,
  manage,
  replicated,
} from '../../test/harness.js'

let h: Harness
afterEach(async () => {
  await close(h)
  expect(h.clock.pendingTimers).toBe(0)
})

/** A primary and its standby. */
/** As real servers are, started at different times. */
function started(options: HarnessOptions = {}): Harness {
  return replicated({
    ...options,
    prepare: (driver) => {
      driver.server('b').startedAt = 'another'
      options.prepare?.(driver)
    },
  })
}

const stateOf = (id: string) =>
  h.manager.getFailoverStatus().endpoints.find((each) => each.id === id)?.state

test('a server of another cluster that has no connection to spare gets no writes', async () => {
  h = started()
  ;(await h.manager.acquire()).release()
  const a = h.driver.server('a')
  a.cluster = 'system-2'
  a.terminateAll()
  await h.clock.advance(100)
  expect(stateOf('a')).toBe('QUARANTINED')
  a.terminateAll()
  a.state = 'full'
  await h.clock.advance(1000)
  expect(stateOf('a')).toBe('BUSY')
  const writing = expectLater(h.manager.acquire({ timeoutMs: 2000 }))
  a.state = 'up'
  await h.clock.advance(2000)
  expect(await h.outcome(writing)).toBe('CONNMGR_ACQUIRE_TIMEOUT')
  expect(h.manager.getFailoverStatus().activeEndpoint).toBeUndefined()
})

test('a primary that was down and has no connection to spare is not the writer until it has said that it still is', async () => {
  h = started()
  ;(await h.manager.acquire()).release()
  const a = h.driver.server('a')
  a.crash()
  await h.clock.advance(500)
  a.role = 'standby'
  a.writable = false
  a.state = 'full'
  await h.clock.advance(1000)
  expect(stateOf('a')).toBe('BUSY')
  expect(h.manager.getFailoverStatus().activeEndpoint).toBeUndefined()
})

test('a fenced primary that is promoted past the others serves, and is not called fenced any more', async () => {
  h = started()
  const [a, b] = [h.driver.server('a'), h.driver.server('b')]
  b.promote()
  ;(await h.manager.acquire()).release()
  expect(stateOf('a')).toBe('FENCED')
  a.timeline = 3
  b.demote()
  await h.clock.advance(1000)
  expect(h.manager.getFailoverStatus()).toMatchObject({ state: 'STEADY', activeEndpoint: 'a' })
  expect(stateOf('a')).toBe('PROBATION')
  const lease = await h.manager.acquire()
  await lease.connection.query('insert')
  lease.release()
  expect(h.manager.getHealthStatus().healthy).toBe(true)
})

test('a writer that comes back from a silence and refuses writes now serves none of those who waited', async () => {
  h = started({ failover: { suspectCount: 5 } })
  const lease = await h.manager.acquire()
  const a = h.driver.server('a')
  a.writable = false
  a.hang()
  // Its connection comes about together with the answer to the probe.
  const writing = expectLater(h.manager.acquire({ timeoutMs: 1000 }))
  await h.clock.settle()
  a.terminateAll()
  lease.release()
  await h.clock.settle()
  expect(stateOf('a')).toBe('SUSPECT')
  a.resume()
  await h.clock.settle()
  expect(stateOf('a')).toBe('UP')
  expect(await h.outcome(writing)).toBe('pending')
  a.writable = true
  await h.clock.advance(500)
  ;(await writing).release()
})

test('a server that answered while it was not to be used has proved nothing by that', async () => {
  h = started({ failover: { failbackStableMs: 5000, failbackSuccesses: 2 } })
  ;(await h.manager.acquire()).release()
  const b = h.driver.server('b')
  b.cluster = 'system-2'
  await h.clock.advance(60_000)
  expect(stateOf('b')).toBe('QUARANTINED')
  b.cluster = 'system-1'
  await h.clock.advance(1000)
  expect(stateOf('b')).toBe('PROBATION')
  await h.clock.advance(6000)
  expect(stateOf('b')).toBe('UP')
})

test('a server that answers over open connections and refuses new ones is not stormed', async () => {
  h = started({ failover: { loginProbeMs: 0 } })
  const lease = await h.manager.acquire()
  h.driver.always('connect', { fail: 'unreachable' })
  const before = h.driver.count('connect')
  const writing = expectLater(h.manager.acquire({ timeoutMs: 10_000 }))
  await h.clock.advance(5000)
  expect(stateOf('a')).toBe('UP')
  expect(h.driver.count('connect') - before).toBeLessThan(20)
  lease.release()
  ;(await writing).release()
})

test('a single server that was down counts as up again as soon as a connection to it has come about', async () => {
  h = manage({ healthMonitoring: true })
  ;(await h.manager.acquire()).release()
  h.driver.server('a').crash()
  await h.clock.advance(20_000)
  expect(h.manager.getFailoverStatus().state).toBe('ALL_DOWN')
  h.driver.server('a').start()
  ;(await h.manager.acquire()).release()
  await h.clock.settle()
  expect(h.manager.getFailoverStatus().state).toBe('STEADY')
})

test('and so it does if a probe hangs in that moment', async () => {
  h = manage({ healthMonitoring: true, connectTimeoutMs: 400 })
  ;(await h.manager.acquire()).release()
  h.driver.server('a').crash()
  await h.clock.advance(20_000)
  h.driver.next('openProbe', 'hang')
  void h.manager.checkHealth()
  h.driver.server('a').start()
  ;(await h.manager.acquire()).release()
  await h.clock.advance(1000)
  expect(h.manager.getFailoverStatus().state).toBe('STEADY')
})
