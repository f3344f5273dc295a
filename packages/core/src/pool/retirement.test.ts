import { closeLone, type LonePool, lonePool } from '../../test/lone-pool.js'
import type { CloseReason } from '../vocabulary/close-reason.js'

/** What each does to a pool whose one connection is idle. */
const GOODBYES: [CloseReason, (lone: LonePool) => unknown][] = [
  ['idle', ({ pool }) => pool.maintain()],
  ['lifetime', ({ clock, pool }) => clock.advance(5000).then(() => pool.maintain())],
  ['cleared', ({ pool }) => pool.clear('rotated credentials')],
  ['closed', ({ pool }) => pool.close(0)],
  ['overflow', ({ pool }) => pool.resize({ poolSize: 0 })],
  ['uses', ({ acquire }) => acquire().then((lease) => lease.release())],
  [
    'evicted',
    ({ pool, of }) => {
      for (const { connectionId } of of('connectionCreated')) pool.evict(connectionId)
    },
  ],
]

test.each(GOODBYES)('a connection closed as %s says goodbye to its server', async (reason, act) => {
  const lone = lonePool({
    poolSize: 1,
    maxUses: 2,
    maxLifetimeMs: 5000,
    lifetimeJitter: 0,
    ...(reason === 'idle' && { idleTimeoutMs: 1 }),
  })
  ;(await lone.acquire()).release()
  await lone.clock.advance(1)
  await act(lone)
  await lone.clock.settle()
  expect(lone.of('connectionClosed')).toMatchObject([{ reason }])
  expect(lone.driver.connections[0]?.ended).toBe('closed')
  await closeLone(lone)
})

test.each(['destroyed', 'lost'])('a connection closed as %s is cut off at once', async (reason) => {
  const lone = lonePool()
  const lease = await lone.acquire()
  const { connection } = lease
  if (reason === 'destroyed') lease.destroy()
  else lone.pool.destroyAll('the endpoint is DOWN')
  await lone.clock.settle()
  expect(lone.of('connectionClosed')).toMatchObject([{ reason }])
  expect(connection.ended).toBe('destroyed')
  expect(lone.driver.count('close')).toBe(0)
  await closeLone(lone)
})

test.each([{ fail: 'statement' }, { throw: new Error('cannot close') }] as const)(
  'a goodbye that fails, as %j, becomes a cut',
  async (outcome) => {
    const lone = lonePool()
    lone.driver.next('close', outcome)
    ;(await lone.acquire()).release()
    await lone.pool.close(0)
    expect(lone.driver.connections[0]?.ended).toBe('destroyed')
  },
)

test('the death of a connection is reported with its age', async () => {
  const lone = lonePool()
  await lone.clock.advance(300)
  const lease = await lone.acquire()
  await lone.clock.advance(70)
  lease.destroy()
  expect(lone.of('connectionClosed')).toMatchObject([{ durationMs: 70 }])
  await closeLone(lone)
})
