import type { Lease } from '@connmgr/core'
import type { FakeConnection } from '@connmgr/testing'
import {
  close,
  expectLater,
  type Harness,
  type HarnessOptions,
  manage,
} from '../../test/harness.js'

let h: Harness
afterEach(() => close(h))

function create(options: HarnessOptions = {}): Harness {
  return manage({ poolSize: 1, maxOverflow: 0, leakDetection: { detectNested: true }, ...options })
}

async function outerWork(inner: () => Promise<unknown>): Promise<void> {
  const lease = await h.manager.acquire()
  try {
    await inner()
  } finally {
    lease.release()
  }
}

async function innerWork(): Promise<void> {
  const lease = await h.manager.acquire({ label: 'audit', timeoutMs: 1000 })
  lease.release()
}

test('a flow that holds a connection and waits for another is reported with both places', async () => {
  h = create()
  const working = expectLater(outerWork(innerWork))
  await h.clock.settle()
  expect(h.of('leaseMisused')).toMatchObject([
    {
      reason: 'nested',
      lease: { checkedOutBy: expect.stringMatching(/^outerWork \(.*nesting\.test\.ts:\d+:\d+\)$/) },
      waiter: {
        label: 'audit',
        checkedOutBy: expect.stringMatching(/^innerWork \(.*nesting\.test\.ts:\d+:\d+\)$/),
        stack: expect.stringContaining('innerWork'),
      },
    },
  ])
  await h.clock.advance(1000)
  await expect(working).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_TIMEOUT' })
})

test('through use and transaction too', async () => {
  h = create()
  const working = expectLater(
    h.manager.use(() => h.manager.transaction(async () => {}, { timeoutMs: 1000 })),
  )
  await h.clock.settle()
  expect(h.of('leaseMisused')).toMatchObject([{ reason: 'nested' }])
  await h.clock.advance(1000)
  await expect(working).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_TIMEOUT' })
})

test('one that need not wait does no harm and is not reported', async () => {
  h = create({ poolSize: 2 })
  // Two connections, so that the second is there at once.
  const [one, two] = await Promise.all([h.manager.acquire(), h.manager.acquire()])
  one.release()
  two.release()
  await outerWork(innerWork)
  expect(h.of('leaseMisused')).toEqual([])
})

test('flows side by side are not mistaken for one another', async () => {
  h = create()
  await Promise.all([1, 2, 3].map(() => outerWork(async () => {})))
  expect(h.of('leaseMisused')).toEqual([])
})

test('what was given back before does not count, however often', async () => {
  h = create()
  let other: Lease<FakeConnection> | undefined
  for (let round = 0; round < 3; round += 1) (await h.manager.acquire()).release()
  await Promise.resolve().then(async () => {
    other = await h.manager.acquire()
  })
  other?.release()
  await innerWork()
  expect(h.of('leaseMisused')).toEqual([])
})

test('switched off, as it is unless asked for, flows are not followed', async () => {
  h = create({ leakDetection: {} })
  const working = expectLater(outerWork(innerWork))
  await h.clock.advance(1000)
  await expect(working).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_TIMEOUT' })
  expect(h.of('leaseMisused')).toEqual([])
})

test('each pool has its own, whatever others the flow has acquired from in between', async () => {
  h = create()
  const other = create()
  const nested = (of: Harness) => of.of('leaseMisused').length
  const working = expectLater(
    (async () => {
      const outer = await h.manager.acquire()
      const between = await other.manager.acquire()
      expect([nested(h), nested(other)]).toEqual([0, 0])
      await innerWork().finally(() => {
        between.release()
        outer.release()
      })
    })(),
  )
  await h.clock.settle()
  expect([nested(h), nested(other)]).toEqual([1, 0])
  await h.clock.advance(1000)
  await expect(working).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_TIMEOUT' })
  await close(other)
})
