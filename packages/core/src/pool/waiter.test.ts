import { expectLater } from '../../test/harness.js'
import { closeLone, lonePool } from '../../test/lone-pool.js'

test('a waiter that was served leaves no timer behind', async () => {
  const lone = lonePool({ poolSize: 1, maxOverflow: 0 })
  const lease = await lone.acquire()
  const waiting = lone.acquire()
  expect(lone.clock.pendingTimers).toBe(1)
  lease.release()
  ;(await waiting).release()
  expect(lone.clock.pendingTimers).toBe(0)
  await closeLone(lone)
})

describe('on its way from one queue to another', () => {
  test('only those that are chosen leave, in their order, and the rest keep theirs', async () => {
    const lone = lonePool({ poolSize: 1, maxOverflow: 0 })
    const lease = await lone.acquire()
    const served: string[] = []
    for (const label of ['a', 'b', 'c', 'd']) {
      lone.acquire({ label }).then((each) => {
        served.push(label)
        each.release()
      })
    }
    const taken = lone.pool.queue.extract(({ owner }) => 'ac'.includes(String(owner.label)))
    expect(taken.map((waiter) => waiter.owner.label)).toEqual(['a', 'c'])
    expect(lone.pool.counts.waiting).toBe(2)
    for (const waiter of taken) lone.pool.queue.enqueue(waiter)
    lease.release()
    await lone.clock.settle()
    expect(served).toEqual(['b', 'd', 'a', 'c'])
    await closeLone(lone)
  })

  test('one whose time runs out is not failed by the queue it left, nor one that gives up', async () => {
    const lone = lonePool({ poolSize: 1, maxOverflow: 0 })
    const lease = await lone.acquire()
    const controller = new AbortController()
    const late = lone.acquire({ timeoutMs: 100 })
    const aborted = expectLater(lone.acquire({ signal: controller.signal }))
    const [first] = lone.pool.queue.extract(() => true)
    await lone.clock.advance(200)
    controller.abort('enough')
    await expect(aborted).rejects.toMatchObject({ cause: 'enough' })
    expect(lone.pool.leases.totals.failedCheckouts).toBe(0)
    lease.release()
    if (first !== undefined) lone.pool.queue.enqueue(first)
    ;(await late).release()
    await closeLone(lone)
  })

  test('one that comes to a pool with a free connection is served at once', async () => {
    const from = lonePool({ poolSize: 1, maxOverflow: 0 })
    const to = lonePool()
    const lease = await from.acquire()
    ;(await to.acquire()).release()
    const waiting = from.acquire()
    for (const waiter of from.pool.queue.extract(() => true)) to.pool.queue.enqueue(waiter)
    expect((await waiting).connection).toBe(to.driver.connections[0])
    ;(await waiting).release()
    lease.release()
    await closeLone(from)
    await closeLone(to)
  })
})

test('the order of arrival is known across queues, as the order of connections and leases is', async () => {
  const lones = [
    lonePool({ poolSize: 1, maxOverflow: 0 }),
    lonePool({ poolSize: 1, maxOverflow: 0 }),
  ]
  const leases = []
  for (const lone of lones) leases.push(await lone.acquire())
  const [first, second] = leases
  expect(second?.connectionId).toBeGreaterThan(first?.connectionId as number)
  expect(second?.id).toBeGreaterThan(first?.id as number)
  const waiting = [...lones, ...lones].map((lone) => lone.acquire())
  const sequences = lones.map((lone) => {
    const waiters = lone.pool.queue.extract(() => true)
    for (const waiter of waiters) lone.pool.queue.enqueue(waiter)
    return waiters.map(({ sequence }) => sequence)
  })
  const [[a, c], [b, d]] = sequences as [[number, number], [number, number]]
  expect([a, b, c, d]).toEqual([a, b, c, d].sort((x, y) => x - y))
  for (const lease of leases) lease.release()
  for (const each of waiting) (await each).release()
  for (const lone of lones) await closeLone(lone)
})
