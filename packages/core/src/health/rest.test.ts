import type { FakeConnection } from '@connmgr/testing'
import { close, type Harness, type HarnessOptions, manage } from '../../test/harness.js'
import type { DedicatedConnection } from '../driver/dedicated.js'

const MINUTE = 60_000

/** What subclasses of a manager may do. */
interface Connecting {
  connectToWriter(
    onSignal: () => void,
    abort: AbortSignal,
  ): Promise<DedicatedConnection<FakeConnection> | undefined>
}

describe('monitoring that is bound to use', () => {
  let h: Harness
  afterEach(async () => {
    await close(h)
    expect(h.clock.pendingTimers).toBe(0)
  })

  async function open(options: HarnessOptions = {}): Promise<void> {
    h = manage({
      idleTimeoutMs: MINUTE,
      ...options,
      healthMonitoring: { intervalMs: 1000, restAfterMs: MINUTE },
    })
    await h.manager.start()
    await h.clock.advance(10)
  }

  const { resting, status, healthy } = { resting: true, status: 'healthy', healthy: true }
  const calls = (): number => h.driver.calls.length

  test('asks nothing, and has no connection, once nothing has been used for restAfterMs', async () => {
    await open({ minIdle: 1 })
    ;(await h.manager.acquire()).release()
    await h.clock.advance(MINUTE + 1000)
    expect(h.manager.getHealthStatus()).toMatchObject({ resting, status, healthy })
    expect(h.driver.server('a').probes).toBe(0)
    await h.clock.advance(MINUTE)
    expect(h.driver.open).toEqual([])
    const before = calls()
    await h.clock.advance(100 * MINUTE)
    expect(calls()).toBe(before)
    expect(h.manager.getHealthStatus()).toMatchObject({ resting, status, healthy })
  })

  test('begins again with the next caller, who is served at once', async () => {
    await open({ minIdle: 1 })
    await h.clock.advance(10 * MINUTE)
    const acquiring = h.manager.acquire()
    expect(h.manager.getHealthStatus().resting).toBe(false)
    await h.clock.advance(0)
    ;(await acquiring).release()
    const probes = h.driver.count('probe')
    await h.clock.advance(5000)
    expect(h.driver.count('probe') - probes).toBeGreaterThanOrEqual(5)
    // One beside the one that has just been in use.
    expect(h.manager.getCounts().idle).toBe(2)
  })

  test('goes on while something is in use or waited for', async () => {
    await open({ poolSize: 1, maxOverflow: 0 })
    const lease = await h.manager.acquire()
    await h.clock.advance(5 * MINUTE)
    expect(h.manager.getHealthStatus().resting).toBe(false)
    lease.release()
    for (let minute = 0; minute < 5; minute += 1) {
      ;(await h.manager.acquire()).release()
      await h.clock.advance(0.9 * MINUTE)
      expect(h.manager.getHealthStatus().resting).toBe(false)
    }
  })

  test('goes on while the server is gone, and rests once it is back', async () => {
    await open()
    h.driver.server('a').crash()
    await h.clock.advance(5 * MINUTE)
    expect(h.manager.getHealthStatus()).toMatchObject({ resting: false, healthy: false })
    h.driver.server('a').start()
    await h.clock.advance(3 * MINUTE)
    expect(h.manager.getHealthStatus()).toMatchObject({ resting, status, healthy })
  })

  test('is not disturbed by a server that ends its sessions and goes to sleep', async () => {
    await open({ idleTimeoutMs: 0 })
    ;(await h.manager.acquire()).release()
    await h.clock.advance(2 * MINUTE)
    expect(h.manager.getCounts().total).toBe(1)
    h.driver.server('a').crash()
    await h.clock.advance(MINUTE)
    expect(h.manager.getHealthStatus()).toMatchObject({ resting, status, healthy })
    h.driver.server('a').start()
    const acquiring = h.manager.acquire()
    await h.clock.advance(0)
    ;(await acquiring).release()
  })

  test('asks over a connection that has lain there before it lends it', async () => {
    await open({ idleTimeoutMs: 0, prePing: false })
    ;(await h.manager.acquire()).release()
    await h.clock.advance(2 * MINUTE)
    const before = h.driver.count('validate')
    const acquiring = h.manager.acquire()
    await h.clock.advance(0)
    ;(await acquiring).release()
    expect(h.driver.count('validate')).toBe(before + 1)
  })

  test('a check by hand asks once, and leaves no session', async () => {
    await open()
    await h.clock.advance(2 * MINUTE)
    const probes = h.driver.count('probe')
    await h.manager.checkHealth()
    expect(h.driver.count('probe')).toBe(probes + 1)
    expect(h.driver.server('a').probes).toBe(0)
    await h.clock.advance(MINUTE)
    expect(h.driver.count('probe')).toBe(probes + 1)
    expect(h.manager.getHealthStatus().resting).toBe(true)
  })

  test('stays stopped, or begins, as an operator says', async () => {
    await open()
    await h.clock.advance(2 * MINUTE)
    h.manager.stopHealthMonitoring()
    expect(h.manager.getHealthStatus().resting).toBe(false)
    const probes = h.driver.count('probe')
    ;(await h.manager.acquire()).release()
    await h.clock.advance(MINUTE)
    expect(h.driver.count('probe')).toBe(probes)
    await h.manager.startHealthMonitoring()
    await h.clock.advance(0.5 * MINUTE)
    expect(h.driver.count('probe')).toBeGreaterThan(probes + 10)
    await h.clock.advance(2 * MINUTE)
    expect(h.manager.getHealthStatus().resting).toBe(true)
    await h.manager.startHealthMonitoring()
    expect(h.manager.getHealthStatus().resting).toBe(false)
  })

  describe('of several servers', () => {
    beforeEach(async () => {
      await open({
        endpoints: ['a', 'b'],
        prepare: (driver) => {
          Object.assign(driver.server('b'), { role: 'standby', writable: false })
        },
      })
      ;(await h.manager.acquire()).release()
    })

    test('no server is asked anything', async () => {
      await h.clock.advance(3 * MINUTE)
      expect(h.manager.getHealthStatus()).toMatchObject({ resting, status, healthy })
      const before = calls()
      await h.clock.advance(100 * MINUTE)
      expect(calls()).toBe(before)
      expect(h.driver.server('a').probes + h.driver.server('b').probes).toBe(0)
    })

    test('a promotion that has happened meanwhile is seen before the next caller is served', async () => {
      await h.clock.advance(3 * MINUTE)
      // The old primary has been cut off, and does not know of its successor.
      Object.assign(h.driver.server('b'), { role: 'primary', writable: true, timeline: 2 })
      h.driver.always('probe', ({ endpoint }) =>
        endpoint.id === 'b' ? { afterMs: 200 } : 'succeed',
      )
      const acquiring = (['primary', 'prefer-standby'] as const).map(async (target) => {
        const lease = await h.manager.acquire({ target })
        lease.release()
        return lease.endpoint.id
      })
      await h.clock.advance(100)
      expect(h.manager.getPoolMetrics().waiting).toBe(2)
      await h.clock.advance(200)
      expect(await Promise.all(acquiring)).toEqual(['b', 'b'])
    })

    test('a connection beside the pools waits for the probes that an acquire has begun', async () => {
      await h.clock.advance(3 * MINUTE)
      Object.assign(h.driver.server('b'), { role: 'primary', writable: true, timeline: 2 })
      h.driver.always('probe', ({ endpoint }) =>
        endpoint.id === 'b' ? { afterMs: 200 } : 'succeed',
      )
      const { connectToWriter } = h.manager as unknown as Connecting
      const acquiring = h.manager.acquire()
      const connecting = connectToWriter.call(h.manager, () => {}, new AbortController().signal)
      await h.clock.advance(300)
      const dedicated = await connecting
      expect(dedicated?.endpoint.id).toBe('b')
      ;(await acquiring).release()
      const closing = dedicated?.close()
      await h.clock.settle()
      await closing
    })

    test('one that hangs keeps callers no longer than a probe may take', async () => {
      await h.clock.advance(3 * MINUTE)
      h.driver.server('b').hang()
      const acquiring = h.manager.acquire()
      await h.clock.advance(1100)
      const lease = await acquiring
      expect(lease.endpoint.id).toBe('a')
      lease.release()
    })

    test('a manager that is closed while it wakes up ends all the same', async () => {
      await h.clock.advance(3 * MINUTE)
      h.driver.server('b').hang()
      const acquiring = h.manager.acquire().catch((error: unknown) => error)
      const closing = h.manager.close({ drainTimeoutMs: 100 })
      await h.clock.advance(2000)
      await closing
      expect(await acquiring).toMatchObject({ code: expect.stringMatching(/^CONNMGR_/) })
    })
  })
})
