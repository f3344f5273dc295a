import type { FakeConnection } from '@connmgr/testing'
import { close, manage } from '../../test/harness.js'
import type { LeaseFence } from '../driver/contract.js'

/** A manager whose driver notes the leases that it makes handles for. */
function fenced() {
  const h = manage({ poolSize: 1, maxOverflow: 0 })
  const fences: LeaseFence[] = []
  const fence = (connection: FakeConnection, lease: LeaseFence): FakeConnection => {
    fences.push(lease)
    return Object.create(connection) as FakeConnection
  }
  Object.assign(h.driver.session, { fence })
  return { h, fences }
}

test('a lease makes one handle, when it is first asked for its connection', async () => {
  const { h, fences } = fenced()
  const lease = await h.manager.acquire()
  expect(fences).toHaveLength(0)
  expect(lease.connection).toBe(lease.connection)
  expect(lease.connection).not.toBe(lease.entry.connection)
  expect(fences).toHaveLength(1)
  lease.release()
  await close(h)
})

test('a handle learns of the end of its lease, and tidies up when the connection goes back', async () => {
  const { h, fences } = fenced()
  const tidied: string[] = []
  for (const end of ['release', 'destroy', 'detach'] as const) {
    const lease = await h.manager.acquire()
    expect(lease.connection).toBeDefined()
    const fence = fences.at(-1) as LeaseFence
    fence.onRelease(() => tidied.push(end))
    expect(fence.active).toBe(true)
    const { connection } = lease.entry
    const given = lease[end]()
    expect(fence.active).toBe(false)
    if (end === 'detach') expect(given).toBe(connection)
  }
  expect(tidied).toEqual(['release'])
  await close(h)
})

test('a use after the end is refused and reported with both leases, as they were', async () => {
  const { h, fences } = fenced()
  const kept = await h.manager.acquire({ label: 'keeper' })
  expect(kept.connection).toBeDefined()
  await h.clock.advance(100)
  kept.release()
  await h.clock.advance(1000)
  const next = await h.manager.acquire({ label: 'next' })
  expect(fences[0]?.refuse('delete from rows')).toMatchObject({ code: 'CONNMGR_LEASE_RELEASED' })
  expect(h.of('leaseMisused')).toMatchObject([
    {
      reason: 'used-after-release',
      query: 'delete from rows',
      lease: { label: 'keeper', heldForMs: 100 },
      holder: { label: 'next', leaseId: next.id },
    },
  ])
  next.release()
  await close(h)
})
