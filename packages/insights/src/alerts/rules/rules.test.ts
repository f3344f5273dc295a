import fc from 'fast-check'
import { statementSnapshot } from '../../../test/alerts/statement-snapshot.js'
import { end, type Watched, watch } from '../../../test/alerts/watched.js'
import type { InsightsSnapshot } from '../../snapshot.js'
import { rules } from '../rules.js'

let w: Watched
afterEach(() => end(w))

/** Once a second callers take all connections for `heldMs`, and one more waits. */
async function bursts(seconds: number, heldMs: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    const leases = [await w.manager.acquire(), await w.manager.acquire()]
    const waiting = w.manager.acquire()
    await w.clock.advance(heldMs)
    for (const lease of leases) lease.release()
    ;(await waiting).release()
    await w.clock.advance(1000 - heldMs)
  }
}

const monitored = { healthMonitoring: { intervalMs: 1000 }, failover: { probeIntervalMs: 500 } }

test('leaks: an alert for each place in the code', async () => {
  w = watch(
    { rules: [rules.leaks({ keepFiringForMs: 0 })] },
    { poolSize: 5, leakDetection: { thresholdMs: 5000, captureStack: 'always' } },
  )
  const forget = async () => w.manager.acquire()
  const drop = async () => w.manager.acquire()
  const leases = [await forget(), await forget(), await drop()]
  await w.clock.advance(4000)
  expect(w.news()).toEqual([])
  await w.clock.advance(4000)
  const fired = w.reported.filter(({ status }) => status === 'firing')
  expect(fired.map(({ labels, value }) => [labels.at, value])).toEqual(
    expect.arrayContaining([
      [expect.stringMatching(/^forget \(.*rules\.test\.ts:\d+:\d+\)$/), 2],
      [expect.stringMatching(/^drop \(.*rules\.test\.ts:\d+:\d+\)$/), 1],
    ]),
  )
  expect(fired).toHaveLength(2)
  for (const lease of leases) lease.release()
  await w.clock.advance(1000)
  expect(w.reported.filter(({ status }) => status === 'resolved')).toHaveLength(2)
})

test('leaks: none for a connection that is held on purpose', async () => {
  w = watch({ rules: [rules.leaks()] }, { leakDetection: { thresholdMs: 1000 } })
  const lease = await w.manager.acquire({ longLived: true })
  await w.clock.advance(60_000)
  expect(w.reported).toEqual([])
  lease.release()
})

test('callersWaiting: callers that queue at every evaluation, and waits near the deadline', async () => {
  w = watch(
    { rules: [rules.callersWaiting({ forMs: 3000, keepFiringForMs: 0 })] },
    { acquireTimeoutMs: 6000 },
  )
  const leases = [await w.manager.acquire(), await w.manager.acquire()]
  const waiting = [w.manager.acquire(), w.manager.acquire()]
  await w.clock.advance(5000)
  expect(w.news()).toEqual(['firing ConnmgrCallersWaiting'])
  expect(w.reported[0]?.annotations.summary).toContain('2 callers wait for a connection of "fake"')
  for (const lease of leases) lease.release()
  for (const each of waiting) (await each).release()
  // No caller waits, but those of the latest minute had waited for 5 s of the 6 that they may.
  await w.clock.advance(10_000)
  expect(w.news()).toEqual([])
  await w.clock.advance(80_000)
  expect(w.news()).toEqual(['resolved ConnmgrCallersWaiting'])
})

test.each([
  ['poolExhausted', rules.poolExhausted({ forMs: 3000 })],
  ['callersWaiting', rules.callersWaiting({ forMs: 3000 })],
])('%s: no alert for work that comes in the rhythm of the evaluations', async (_name, rule) => {
  w = watch({ rules: [rule] })
  // Evaluated each second, and each time in the middle of a burst.
  await w.clock.advance(800)
  await bursts(20, 400)
  expect(w.alerts.status().evaluations).toBeGreaterThan(15)
  expect(w.news()).toEqual([])
})

test.each([
  ['poolExhausted', rules.poolExhausted({ forMs: 3000 })],
  ['callersWaiting', rules.callersWaiting({ forMs: 3000 })],
])(
  '%s: an alert for what lasts, though not at the moment of any evaluation',
  async (_name, rule) => {
    w = watch({ rules: [rule] })
    await w.clock.advance(300)
    await bursts(10, 600)
    expect(w.news()).toHaveLength(1)
  },
)

test('noWriter: no alert for a manager that nothing has used, an alert when its server is gone', async () => {
  w = watch(
    { rules: [rules.noWriter({ forMs: 3000, keepFiringForMs: 0 })] },
    { endpoints: ['a', 'b'], ...monitored },
  )
  w.driver.server('b').role = 'standby'
  await w.clock.advance(10_000)
  expect(w.news()).toEqual([])
  w.driver.server('a').crash()
  await w.clock.advance(60_000)
  expect(w.news()).toEqual(['firing ConnmgrNoWriter'])
  expect(w.reported[0]?.annotations).toMatchObject({
    summary: expect.stringContaining('No server takes writes of "fake"'),
    writer: expect.stringContaining('none'),
  })
  w.driver.server('b').role = 'primary'
  w.driver.server('b').timeline = 2
  w.driver.server('b').writable = true
  await w.clock.advance(60_000)
  expect(w.news()).toEqual(['resolved ConnmgrNoWriter'])
})

test('noWriter: a single server that answers no more', async () => {
  w = watch(
    { rules: [rules.noWriter({ forMs: 3000, keepFiringForMs: 0 })] },
    { healthMonitoring: { intervalMs: 1000, unhealthyAfterMs: 1000 } },
  )
  ;(await w.manager.acquire()).release()
  await w.clock.advance(10_000)
  expect(w.news()).toEqual([])
  w.driver.server('a').crash()
  await w.clock.advance(60_000)
  expect(w.news()).toEqual(['firing ConnmgrNoWriter'])
  w.driver.server('a').state = 'up'
  await w.clock.advance(120_000)
  expect(w.news()).toEqual(['resolved ConnmgrNoWriter'])
})

test('replicationLag: an alert for each standby that is too far behind', async () => {
  w = watch()
  const { when } = rules.replicationLag({ maxLagMs: 5000 })
  const at = (lags: readonly (number | undefined)[]) =>
    when({
      pool: 'orders',
      failover: {
        endpoints: lags.map((lagMs, index) => ({ id: `db${index}`, active: index === 0, lagMs })),
      },
    } as never)
  expect(at([9000, undefined, 4999, 5000, 61_000])).toMatchObject([
    { labels: { endpoint: 'db3' } },
    {
      labels: { endpoint: 'db4' },
      value: 61_000,
      summary: 'The standby db4 of "orders" is 1 min 1 s behind, more than 5.0 s',
    },
  ])
})

test('errorRate: of acquires', async () => {
  w = watch(
    { rules: [rules.errorRate({ forMs: 2000, keepFiringForMs: 0, windowMs: 60_000 })] },
    { maxWaiters: 1, acquireTimeoutMs: 100_000 },
  )
  for (let turn = 0; turn < 30; turn += 1) {
    ;(await w.manager.acquire()).release()
    await w.clock.advance(1000)
  }
  expect(w.news()).toEqual([])
  const leases = [await w.manager.acquire(), await w.manager.acquire()]
  const waiting = w.manager.acquire()
  for (let turn = 0; turn < 5; turn += 1)
    await expect(w.manager.acquire()).rejects.toMatchObject({ code: 'CONNMGR_QUEUE_FULL' })
  await w.clock.advance(5000)
  expect(w.news()).toEqual(['firing ConnmgrErrorRate'])
  expect(w.reported[0]).toMatchObject({
    labels: { of: 'acquires' },
    annotations: { summary: expect.stringMatching(/^5 of \d+ acquires of "fake" failed/) },
  })
  for (const lease of leases) lease.release()
  ;(await waiting).release()
  await w.clock.advance(120_000)
  expect(w.news()).toEqual(['resolved ConnmgrErrorRate'])
})

describe('with insights', () => {
  let snapshot: InsightsSnapshot
  const insights = { snapshot: () => snapshot }

  test('slowStatements: by the latest minutes alone, one alert for each fingerprint', async () => {
    snapshot = statementSnapshot({
      a: { calls: 1000, meanMs: 5000 },
      b: { calls: 1000, meanMs: 1 },
    })
    w = watch({
      insights,
      rules: [
        rules.slowStatements({ forMs: 0, keepFiringForMs: 0, windowMs: 60_000, meanRunMs: 100 }),
      ],
    })
    await w.clock.advance(60_000)
    // What was slow before the start of the watch.
    expect(w.news()).toEqual([])
    snapshot = statementSnapshot({
      a: { calls: 1000, meanMs: 5000 },
      b: { calls: 1010, meanMs: (1000 + 10 * 400) / 1010 },
    })
    await w.clock.advance(1000)
    expect(w.news()).toEqual(['firing ConnmgrSlowStatements'])
    expect(w.reported[0]).toMatchObject({
      labels: { fingerprint: 'b' },
      annotations: {
        statement: 'select b',
        summary: '10 calls of a statement took 400 ms each: select b',
      },
    })
    await w.clock.advance(120_000)
    expect(w.news()).toEqual(['resolved ConnmgrSlowStatements'])
  })

  test('errorRate: of statements', async () => {
    snapshot = statementSnapshot({ a: { calls: 1000, meanMs: 1, errors: 900 } })
    w = watch({ insights, rules: [rules.errorRate({ forMs: 0 })] })
    await w.clock.advance(30_000)
    expect(w.news()).toEqual([])
    snapshot = statementSnapshot({ a: { calls: 1050, meanMs: 1, errors: 910 } })
    await w.clock.advance(1000)
    expect(w.news()).toEqual(['firing ConnmgrErrorRate'])
    expect(w.reported[0]?.annotations.summary).toBe('10 of 50 statements of "fake" failed, 20.0 %')
  })

  test('the diagnosis names the code that holds connections idle', async () => {
    snapshot = statementSnapshot({})
    w = watch({ insights, rules: [{ name: 'Always', when: () => true }] })
    await w.clock.advance(1000)
    expect(w.reported[0]?.diagnosis.heldIdle).toEqual([
      { at: 'pay (/app/src/pay.ts:9:3)', heldIdleMs: 61_000, leases: 12 },
    ])
  })

  test('insights that fail are reported once, and rules go on without them', async () => {
    w = watch({
      insights: {
        snapshot: () => {
          throw new Error('closed')
        },
      },
      rules: [{ name: 'Always', when: ({ insights: seen }) => seen === undefined }],
    })
    await w.clock.advance(5000)
    expect(w.news()).toEqual(['firing Always'])
    expect(w.problems.map(({ kind }) => kind)).toEqual(['insights-failed'])
  })
})

test('a pool that is well has no alert, whatever its load within its limits', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          borrowed: fc.integer({ min: 0, max: 4 }),
          heldMs: fc.integer({ min: 0, max: 4000 }),
        }),
        { maxLength: 20 },
      ),
      async (turns) => {
        w = watch({ rules: rules.all() }, { poolSize: 4, maxOverflow: 1, ...monitored })
        for (const { borrowed, heldMs } of turns) {
          const leases = await Promise.all(
            Array.from({ length: borrowed }, () => w.manager.acquire()),
          )
          await w.clock.advance(heldMs)
          for (const lease of leases) lease.release()
          await w.clock.advance(100)
        }
        await w.clock.advance(120_000)
        expect(w.reported).toEqual([])
        expect(w.problems).toEqual([])
        await end(w)
      },
    ),
    { numRuns: 5 },
  )
})
