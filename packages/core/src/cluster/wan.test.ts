import fc from 'fast-check'
import { close, type Harness, type HarnessOptions, manage } from '../../test/harness.js'
import { LAN, type NetworkConditions, SimulatedNetwork } from '../../test/simulated-network.js'

/** As of other properties, of which a run takes a hundredth of the time. */
const HISTORIES = Number(process.env.FUZZ_RUNS ?? 300)
const RUNS = Math.ceil(HISTORIES / 40)
/** An hour, less in the quick form. */
const LONG_MS = 3_600_000 * Math.min(1, HISTORIES / 300)
const SEEDS = HISTORIES < 300 ? 5 : 21
/** Far above what they take: it only ends a run that hangs. */
const TIMEOUT_MS = 600_000 + RUNS * 60_000

/** The networks that the README promises to bear with. */
const networks = fc.record<NetworkConditions>({
  roundTripMs: fc.integer({ min: 10, max: 1000 }),
  jitterMs: fc.constantFrom(0, 50, 150, 400),
  stalled: fc.constantFrom(0, 0.1),
  stallMs: fc.constant(800),
  loginRoundTrips: fc.constantFrom(4, 6),
})

const WORST: NetworkConditions = {
  roundTripMs: 1000,
  jitterMs: 400,
  stalled: 0.1,
  stallMs: 800,
  loginRoundTrips: 6,
}

const KNOWN: readonly [string, NetworkConditions][] = [
  ['TLS at a round trip of 160 ms', { ...LAN, roundTripMs: 160, loginRoundTrips: 6 }],
  ['a round trip of 300 ms', { ...LAN, roundTripMs: 300 }],
  ['a round trip of 600 ms', { ...LAN, roundTripMs: 600 }],
  ['jitter of 400 ms', { ...LAN, roundTripMs: 10, jitterMs: 400 }],
  ['jitter of 50 ms', { ...LAN, roundTripMs: 30, jitterMs: 50 }],
  ['stalls', { ...LAN, roundTripMs: 10, stalled: 0.1, stallMs: 800 }],
  ['all of it', WORST],
]

function beyond(
  conditions: NetworkConditions,
  seed: number,
  options: HarnessOptions = {},
): { h: Harness; network: SimulatedNetwork } {
  const network = new SimulatedNetwork(conditions, seed)
  const h = manage({
    endpoints: ['a', 'b'],
    healthMonitoring: true,
    prePing: true,
    acquireTimeoutMs: 120_000,
    ...options,
    prepare: (driver) => {
      network.carry(driver)
      for (const id of ['b', 'c']) {
        driver.server(id).role = 'standby'
        driver.server(id).writable = false
      }
      options.prepare?.(driver)
    },
  })
  return { h, network }
}

/** Time from the start until a first query has its answer. */
async function firstQueryMs(
  conditions: NetworkConditions,
  seed: number,
  options: HarnessOptions,
): Promise<number> {
  const { h } = beyond(conditions, seed, options)
  let answeredAt: number | undefined
  const asking = h.manager
    .use((connection) => connection.query('select 1'))
    .then(() => {
      answeredAt = h.clock.now()
    })
  while (answeredAt === undefined) await h.clock.advance(10)
  await asking
  await close(h)
  return answeredAt
}

async function medianFirstQueryMs(conditions: NetworkConditions, options: HarnessOptions) {
  const times: number[] = []
  for (let seed = 1; seed <= SEEDS; seed += 1)
    times.push(await firstQueryMs(conditions, seed * 7919, options))
  return times.sort((x, y) => x - y)[(SEEDS - 1) / 2] as number
}

function falseAlarms(h: Harness): unknown[] {
  return h.events.filter(
    (event) =>
      event.type === 'failoverStarted' ||
      event.type === 'failoverCompleted' ||
      event.type === 'switchoverCompleted' ||
      (event.type === 'endpointStateChanged' && event.to === 'DOWN'),
  )
}

async function started(h: Harness): Promise<void> {
  const starting = h.manager.start()
  await h.clock.advance(60_000)
  await starting
}

/** An hour, with a statement now and then if `everyMs` is finite. */
async function anHour(h: Harness, everyMs: number): Promise<void> {
  const until = h.clock.now() + LONG_MS
  while (h.clock.now() < until) {
    if (Number.isFinite(everyMs))
      void h.manager.use((connection) => connection.query('insert')).catch(() => {})
    await h.clock.advance(Math.min(everyMs, until - h.clock.now()))
  }
}

describe('the first query', () => {
  test.each(KNOWN)(
    'over %s takes at most three times as long as with one URL',
    async (_, given) => {
      const one = await medianFirstQueryMs(given, { endpoints: ['a'] })
      for (const endpoints of [
        ['a', 'b'],
        ['b', 'a', 'c'],
      ])
        expect(await medianFirstQueryMs(given, { endpoints })).toBeLessThanOrEqual(3 * one)
      const ordered = { endpoints: ['a', 'b'], failover: { mode: 'ordered' as const } }
      expect(await medianFirstQueryMs(given, ordered)).toBeLessThanOrEqual(3 * one)
    },
  )
})

/** Longest time until a server that has gone silent is down, as the guide promises it. */
const LONGEST_DETECTION_MS = 500 + 2 * 5000

describe('a server that is gone', () => {
  test(
    'is found gone however bad the network: at once if it closes its sockets, and else within the bound',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          networks,
          fc.integer({ min: 1, max: 1e9 }),
          fc.integer({ min: 0, max: 600_000 }),
          fc.boolean(),
          async (given, seed, afterMs, crashes) => {
            const { h } = beyond(given, seed)
            await started(h)
            await h.clock.advance(afterMs)
            const from = h.clock.now()
            if (crashes) h.driver.server('a').crash()
            else h.driver.server('a').hang()
            const isDown = () =>
              h
                .of('endpointStateChanged')
                .some((each) => each.endpoint === 'a' && each.to === 'DOWN')
            while (!isDown() && h.clock.now() - from < 60_000) await h.clock.advance(10)
            const worstMs =
              given.roundTripMs + 2 * given.jitterMs + 2 * given.stallMs * given.stalled * 10
            const { roundTripMs, loginRoundTrips } = given
            // A refusal takes the same path as an answer.
            const bound = crashes
              ? 2 * loginRoundTrips * (worstMs + roundTripMs)
              : Math.min(LONGEST_DETECTION_MS, 500 + 2 * Math.max(1500, 3 * worstMs))
            expect(h.clock.now() - from).toBeLessThanOrEqual(bound + 20)
            h.driver.server('b').promote()
            await h.clock.advance(30_000)
            expect(h.manager.getFailoverStatus()).toMatchObject({
              state: 'STEADY',
              activeEndpoint: 'b',
            })
            await close(h, 60_000)
          },
        ),
        { numRuns: 2 * RUNS },
      )
    },
    TIMEOUT_MS,
  )

  test.each([1, 3, 5])('at a round trip of %d ms is down within 1.1 s', async (roundTripMs) => {
    const { h } = beyond({ ...LAN, roundTripMs }, 1)
    await started(h)
    const from = h.clock.now()
    h.driver.server('a').hang()
    while (h.manager.getFailoverStatus().endpoints[0]?.state !== 'DOWN') await h.clock.advance(5)
    expect(h.clock.now() - from).toBeLessThanOrEqual(1100)
    await close(h)
  })
})

describe('no server is given up that answers', () => {
  test.each(KNOWN)(
    'over %s, in an hour without use',
    async (_, given) => {
      const { h } = beyond(given, 1)
      await started(h)
      await anHour(h, Number.POSITIVE_INFINITY)
      expect(falseAlarms(h)).toEqual([])
      await close(h, 60_000)
    },
    TIMEOUT_MS,
  )

  test(
    'over any such network',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          networks,
          fc.integer({ min: 1, max: 1e9 }),
          fc.constantFrom(['a'], ['a', 'b'], ['b', 'c', 'a']),
          fc.constantFrom(Number.POSITIVE_INFINITY, 20_000),
          fc.constantFrom<'role' | 'ordered'>('role', 'ordered'),
          async (given, seed, endpoints, everyMs, mode) => {
            const { h } = beyond(given, seed, {
              endpoints,
              ...(endpoints.length > 1 ? { failover: { mode } } : {}),
              prepare: (driver) => {
                if (mode === 'role') return
                for (const id of endpoints) {
                  driver.server(id).role = 'primary'
                  driver.server(id).writable = true
                }
              },
            })
            await started(h)
            expect(h.manager.getFailoverStatus().state).toBe('STEADY')
            await anHour(h, everyMs)
            expect(falseAlarms(h)).toEqual([])
            await close(h, 60_000)
          },
        ),
        { numRuns: RUNS },
      )
    },
    TIMEOUT_MS,
  )

  test.each([1, 20])(
    'when the round trip of %d ms becomes longer, more than once',
    async (before) => {
      const { h, network } = beyond({ ...LAN, roundTripMs: before }, 1)
      await started(h)
      network.conditions = { ...LAN, roundTripMs: 600 }
      await anHour(h, Number.POSITIVE_INFINITY)
      expect(h.of('failoverStarted').length).toBeLessThanOrEqual(1)
      expect(h.manager.getFailoverStatus().state).toBe('STEADY')
      await close(h, 60_000)
    },
  )
})
