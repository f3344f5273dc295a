import type { FakeDriver } from '@connmgr/testing'
import fc from 'fast-check'
import { close, expectLater, type Harness, manage } from '../../test/harness.js'

const IDS = ['a', 'b', 'c']
type Id = 'a' | 'b' | 'c'

/** What befalls a cluster. A promotion is what an orchestrator does: only to a standby, on the next timeline. */
type Fault =
  | {
      readonly what: 'crash' | 'start' | 'hang' | 'resume' | 'terminate' | 'promote'
      readonly id: Id
    }
  | { readonly what: 'wait'; readonly ms: number }
  | { readonly what: 'stall'; readonly ms: number }

const faults = fc.array(
  fc.oneof(
    fc.record({
      what: fc.constantFrom('crash', 'start', 'hang', 'resume', 'terminate', 'promote'),
      id: fc.constantFrom<Id[]>('a', 'b', 'c'),
    }),
    fc.record({ what: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 2000 }) }),
    fc.record({ what: fc.constant('stall' as const), ms: fc.integer({ min: 300, max: 5000 }) }),
  ),
  { minLength: 1, maxLength: 12 },
)

function replicated(): Harness {
  return manage({
    endpoints: IDS,
    healthMonitoring: true,
    acquireTimeoutMs: 600_000,
    failover: { failbackStableMs: 1000, failbackSuccesses: 2 },
    prepare: (driver) => {
      for (const id of ['b', 'c']) {
        driver.server(id).role = 'standby'
        driver.server(id).writable = false
      }
    },
  })
}

const highest = (driver: FakeDriver): number =>
  Math.max(...IDS.map((id) => driver.server(id).timeline ?? 0))

function apply({ driver, clock }: Harness, fault: Fault): Promise<void> | undefined {
  if (fault.what === 'wait') return clock.advance(fault.ms)
  if (fault.what === 'stall') {
    clock.stall(fault.ms)
    return clock.advance(1)
  }
  const server = driver.server(fault.id)
  switch (fault.what) {
    case 'crash':
      server.crash()
      break
    case 'start':
      if (server.state === 'down') server.start()
      break
    case 'hang':
      if (server.state === 'up') server.hang()
      break
    case 'resume':
      if (server.state === 'hung') server.resume()
      break
    case 'terminate':
      server.terminateAll()
      break
    case 'promote':
      if (server.role !== 'standby' || server.state !== 'up') break
      server.timeline = highest(driver)
      server.promote()
  }
  return undefined
}

/** What an operator does in the end: every server runs, and all but the newest primary are its standbys. */
function repair({ driver }: Harness): Id {
  const primaries = IDS.filter((id) => driver.server(id).role === 'primary')
  const newest = primaries.reduce((best, id) =>
    (driver.server(id).timeline ?? 0) > (driver.server(best).timeline ?? 0) ? id : best,
  )
  for (const id of IDS) {
    const server = driver.server(id)
    if (server.state === 'hung') server.resume()
    if (server.state === 'down') server.start()
    if (id !== newest && server.role === 'primary') server.demote()
    server.timeline = highest(driver)
  }
  return newest as Id
}

test('whatever befalls a cluster: one writer at most, on the newest timeline that was seen; and once it is repaired, everybody is served', async () => {
  await fc.assert(
    fc.asyncProperty(faults, async (story) => {
      const h = replicated()
      ;(await h.manager.acquire()).release()
      let newestServed = 1
      let epoch = 0
      const callers: Promise<unknown>[] = []
      for (const fault of story) {
        callers.push(
          expectLater(
            h.manager.use((connection, lease) => {
              const { timeline = 0 } = h.driver.server(lease.endpoint.id)
              expect(timeline).toBeGreaterThanOrEqual(newestServed)
              newestServed = timeline
              return connection.query('insert')
            }),
          ),
        )
        await apply(h, fault as Fault)
        await h.clock.settle()
        const status = h.manager.getFailoverStatus()
        expect(status.epoch).toBeGreaterThanOrEqual(epoch)
        epoch = status.epoch
        expect(status.endpoints.filter((each) => each.active).length).toBeLessThanOrEqual(1)
        const active = status.endpoints.find((each) => each.active)
        expect(active === undefined || active.role === 'primary').toBe(true)
        for (const each of status.endpoints) {
          if (each.state === 'DOWN') expect(h.driver.server(each.id).connections).toEqual([])
        }
      }
      const newest = repair(h)
      await h.clock.advance(30_000)
      const outcomes = await Promise.all(callers.map((each) => h.outcome(each)))
      expect(outcomes).not.toContain('pending')
      const status = h.manager.getFailoverStatus()
      expect(status).toMatchObject({ state: 'STEADY', activeEndpoint: newest })
      expect(status.endpoints.map((each) => each.state)).toEqual(['UP', 'UP', 'UP'])
      const lease = await h.manager.acquire()
      expect(lease.endpoint.id).toBe(newest)
      await lease.connection.query('insert')
      lease.release()
      expect(h.manager.getPoolMetrics()).toMatchObject({ checkedOut: 0, waiting: 0 })
      await close(h)
      expect(h.clock.pendingTimers).toBe(0)
      expect(h.driver.open).toEqual([])
    }),
    { numRuns: 60 },
  )
})
