import { NOISES, simulate, type TimeOf } from '../../../test/plan-workloads.js'

const SEEDS = Array.from({ length: 40 }, (_each, index) => index + 1)
const SLOWER = 20

/** As a noise is, and slower for a share of the runs that are not planned for their values. */
function slowerLater(
  noise: TimeOf,
  share: number,
  from = 0,
  until = Number.POSITIVE_INFINITY,
): TimeOf {
  return (run) => {
    const suffers = !run.custom && run.at >= from && run.at < until && run.random() < share
    return noise(run) * (suffers ? SLOWER : 1)
  }
}

const connectionsOf = (seed: number): number => 1 + (seed % 6)

test.each(Object.entries(NOISES))(
  'with %s no statement is accused, and to be sure costs little',
  (_name, noise) => {
    for (const seed of SEEDS) {
      const { anew, jumpedAt } = simulate(noise(), { seed, connections: connectionsOf(seed) })
      expect({ seed, jumpedAt }).toEqual({ seed, jumpedAt: undefined })
      // Of 4,000 runs.
      expect(anew).toBeLessThan(40)
    }
  },
)

describe.each([
  'heavy tails',
  'no second moment',
  'bursts of load',
  'load that follows the load before',
  'load that grows',
])('with %s', (name) => {
  const noise = NOISES[name] as () => TimeOf

  test.each([1, 0.7])('a plan that makes %d of the runs slower is noticed', (share) => {
    const found = SEEDS.map((seed) =>
      simulate(slowerLater(noise(), share), { seed, connections: connectionsOf(seed) }),
    )
    expect(found.filter(({ jumpedAt }) => jumpedAt !== undefined).length).toBeGreaterThan(
      SEEDS.length * 0.95,
    )
    for (const { times } of found.filter(({ times }) => times.jump !== undefined))
      expect(times.jump?.after.p50Ms).toBeGreaterThan(times.jump?.before.p50Ms as number)
  })
})

describe('a jump', () => {
  const calm: TimeOf = ({ random }) => Math.exp(0.5 * random())

  test('is noticed within a few hundred runs, and says since when', () => {
    for (const seed of SEEDS) {
      const { jumpedAt, times } = simulate(slowerLater(calm, 1), { seed, connections: 2 })
      expect(jumpedAt).toBeLessThan(600)
      expect(times.jump?.at).toBeLessThan(jumpedAt as number)
      expect(times.jump).toMatchObject({ rounds: 4 })
      expect(times.jump?.before.meanMs).toBeCloseTo(1.3, 0)
      expect(times.jump?.after.meanMs).toBeGreaterThan(15)
    }
  })

  test('that comes late, after an ANALYZE for example, is noticed too', () => {
    for (const seed of SEEDS) {
      const { jumpedAt } = simulate(slowerLater(calm, 1, 1000), { seed, runs: 6000 })
      expect(jumpedAt).toBeGreaterThan(1000)
    }
  })

  test('is over when the plan that is kept is as good again', () => {
    const still = SEEDS.filter((seed) => {
      const { jumpedAt, times } = simulate(slowerLater(calm, 1, 0, 2000), { seed, runs: 8000 })
      expect(jumpedAt).toBeLessThan(2000)
      return times.jump !== undefined
    })
    expect(still).toEqual([])
  })

  test('is over when its text is not prepared any more', () => {
    const { times } = simulate(slowerLater(calm, 1), { runs: 1500 })
    for (let run = 0; run < 7; run += 1) times.ranUnprepared()
    expect(times.jump).toBeDefined()
    times.ranUnprepared()
    expect(times.jump).toBeUndefined()
  })
})

test('the time of few runs is taken once a connection has run a statement for long', () => {
  const { times } = simulate(() => 0.2, { connections: 1, runs: 4000, lifetime: 5000 })
  expect(times.runs).toBe(4000)
  expect(times.custom.count).toBe(4)
  expect(times.later.count).toBeLessThan(140)
  expect(times.later).toMatchObject({
    meanMs: expect.closeTo(0.2, 1),
    p50Ms: expect.closeTo(0.2, 1),
  })
})
