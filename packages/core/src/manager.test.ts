import { FakeClock, type FakeConnection, FakeDriver, fakeEndpoint } from '@connmgr/testing'
import { close, expectLater, type Harness, manage } from '../test/harness.js'
import { ConnectionManager } from './manager.js'

describe('a manager', () => {
  let h: Harness
  afterEach(() => close(h))

  test.each([-1, Number.NaN, 2 ** 31])('refuses to drain for %p ms, and stays open', async (ms) => {
    h = manage()
    await expect(h.manager.close({ drainTimeoutMs: ms })).rejects.toMatchObject({
      code: 'CONNMGR_INVALID_OPTION',
      option: 'drainTimeoutMs',
    })
    expect(h.manager.closed).toBe(false)
  })

  test('needs an endpoint', () => {
    h = manage()
    expect(() => manage({ endpoints: [] })).toThrow('must name at least one endpoint')
  })

  test('gives the counts of one endpoint on its own', async () => {
    h = manage({ endpoints: ['a', 'b'], poolSize: 2, maxOverflow: 1 })
    const lease = await h.manager.acquire()
    const other = lease.endpoint.id === 'a' ? 'b' : 'a'
    expect(h.manager.getPoolMetrics(lease.endpoint.id)).toMatchObject({ checkedOut: 1, limit: 3 })
    expect(h.manager.getPoolMetrics(other)).toMatchObject({ checkedOut: 0, limit: 3 })
    lease.release()
  })

  test('suspended, parks callers up to maxWaiters and says why they got nothing', async () => {
    h = manage({ maxWaiters: 1 })
    h.manager.suspend()
    const waiting = expectLater(h.manager.acquire({ timeoutMs: 100 }))
    await expect(h.manager.acquire()).rejects.toMatchObject({ code: 'CONNMGR_QUEUE_FULL' })
    await h.clock.advance(101)
    await expect(waiting).rejects.toMatchObject({
      phase: 'no-endpoint',
      message: expect.stringContaining('the manager is suspended'),
    })
    expect(h.manager.getPoolMetrics()).toMatchObject({ failedCheckouts: 2, waiting: 0 })
  })

  test('suspended, refuses a caller whose signal has fired', async () => {
    h = manage()
    h.manager.suspend()
    await expect(h.manager.acquire({ signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'CONNMGR_ACQUIRE_ABORTED',
    })
  })

  test('suspended and closed, refuses everybody', async () => {
    h = manage()
    h.manager.suspend()
    await close(h)
    await expect(h.manager.acquire()).rejects.toMatchObject({ code: 'CONNMGR_POOL_CLOSED' })
  })

  test('a lease at the end of its block is given back once, also if it was released before', async () => {
    h = manage()
    const lease = await h.manager.acquire()
    await lease[Symbol.asyncDispose]()
    await lease[Symbol.asyncDispose]()
    expect(lease.active).toBe(false)
    expect(h.of('leaseMisused')).toEqual([])
    expect(h.manager.getCounts()).toMatchObject({ idle: 1, inUse: 0 })
  })

  test('a lease that was destroyed already is not destroyed again', async () => {
    h = manage()
    const lease = await h.manager.acquire()
    lease.destroy()
    lease.destroy()
    expect(h.of('connectionClosed')).toHaveLength(1)
    expect(h.of('leaseMisused')).toMatchObject([{ leaseId: lease.id }])
    expect(() => lease.detach()).toThrow('had been destroyed')
  })

  test('that is closed starts nothing any more, whatever is asked of it', async () => {
    h = manage({ endpoints: ['a', 'b'], healthMonitoring: true })
    await close(h)
    await h.manager.start()
    await h.manager.startHealthMonitoring()
    await h.manager.reset()
    await h.manager.quarantine('a')
    await h.manager.warmUp().catch(() => {})
    expect(h.driver.calls).toEqual([])
    expect(h.clock.pendingTimers).toBe(0)
  })

  test('that is closed while its source of endpoints is asked does not begin to watch them', async () => {
    let found = (): void => {}
    h = manage({
      endpoints: ['a', 'b'],
      topology: {
        name: 'slow',
        refreshMs: 1000,
        timeoutMs: 1000,
        discover: () =>
          new Promise((resolve) => {
            found = () => resolve({ endpoints: [fakeEndpoint('a'), fakeEndpoint('b')] })
          }),
      },
    })
    const starting = h.manager.start()
    await h.clock.settle()
    const closing = h.manager.close()
    found()
    await h.clock.advance(10_000)
    await Promise.all([starting, closing])
    expect(h.driver.calls).toEqual([])
    expect(h.clock.pendingTimers).toBe(0)
  })

  test('at the end of its block closes', async () => {
    h = manage()
    await h.manager[Symbol.asyncDispose]()
    expect(h.manager.closed).toBe(true)
  })
})

/** What adapters build upon. */
class Subclass extends ConnectionManager<FakeConnection> {
  dedicated(onSignal: () => void = () => {}) {
    return this.connectToWriter(onSignal, new AbortController().signal)
  }
}

describe('a connection to the writer that no pool knows of', () => {
  let clock: FakeClock
  let driver: FakeDriver
  let manager: Subclass

  beforeEach(() => {
    clock = new FakeClock()
    driver = new FakeDriver({ clock })
    driver.server('b').role = 'standby'
    driver.server('b').writable = false
    manager = new Subclass({
      driver,
      endpoints: [fakeEndpoint('a'), fakeEndpoint('b')],
      options: { clock, logger: false },
    })
  })

  afterEach(async () => {
    const closing = manager.close({ drainTimeoutMs: 100 })
    await clock.advance(1000)
    await closing
    expect(clock.pendingTimers).toBe(0)
  })

  test('is there once there is a writer, takes no slot, and its trouble counts as the endpoint’s', async () => {
    expect(await manager.dedicated()).toBeUndefined()
    await manager.start()
    let signals = 0
    const dedicated = await manager.dedicated(() => {
      signals += 1
    })
    expect(dedicated?.endpoint.id).toBe('a')
    expect(manager.getPoolMetrics().size).toBe(5)
    expect(manager.getCounts('primary').total).toBe(0)
    driver.server('a').crash()
    expect(signals).toBe(1)
    expect(manager.getFailoverStatus().endpoints[0]?.state).toBe('SUSPECT')
    await clock.advance(100)
    expect(manager.getFailoverStatus().endpoints[0]?.state).toBe('DOWN')
    dedicated?.destroy()
  })
})
