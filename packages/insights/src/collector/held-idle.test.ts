import { type FakeManager, fakeManager } from '@connmgr/testing'
import { Insights } from '../insights.js'
import { resolveOptions } from '../options.js'

let fake: FakeManager
let watched: Insights
beforeEach(() => {
  fake = fakeManager()
  watched = new Insights(fake.manager, resolveOptions({ heldIdleMs: 100 }), fake.clock)
})
afterEach(async () => {
  await watched.close()
  await fake.close()
})

test('a connection that is held while its holder awaits something else is held idle, while it is held and after', async () => {
  const lease = await fake.manager.acquire()
  await fake.clock.advance(150)
  expect(watched.heldIdle()).toMatchObject([{ site: { file: __filename }, open: 1, leases: 0 }])
  lease.release()
  expect(watched.heldIdle()).toMatchObject([{ open: 0, leases: 1, exceeded: 1 }])
})

test('one that is held for long on purpose is not', async () => {
  const lease = await fake.manager.acquire({ longLived: true })
  await fake.clock.advance(60_000)
  expect(watched.heldIdle()).toEqual([])
  lease.release()
  expect(watched.heldIdle()).toEqual([])
  expect(watched.snapshot().totals).toMatchObject({ leases: 0, heldIdleMs: 0 })
})

test('the time in which the processor was busy, or taken away, is not the time of the holder', async () => {
  const lease = await fake.manager.acquire()
  fake.clock.stall(150)
  expect(watched.heldIdle()).toEqual([])
  lease.release()
  expect(watched.heldIdle()).toEqual([])
  const { heldIdleMs, heldMs } = watched.snapshot().totals
  expect(heldMs).toBeGreaterThanOrEqual(150)
  expect(heldIdleMs).toBe(0)
})

test('a stall does not hide that the holder awaited something else meanwhile', async () => {
  const lease = await fake.manager.acquire()
  fake.clock.stall(150)
  await fake.clock.advance(150)
  lease.release()
  expect(watched.heldIdle()).toMatchObject([{ exceeded: 1 }])
})
