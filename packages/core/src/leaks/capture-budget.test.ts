import { FakeClock } from '@connmgr/testing'
import { CaptureBudget, captureBudgetOf, RareEntryPoints } from './capture-budget.js'

/** Its random numbers are the same in every run. */
function seeded(seed: number): FakeClock {
  return new FakeClock({ seed })
}

/** How many of the acquires of a second at this rate are captured, second by second. */
function capturesAt(budget: CaptureBudget, perSecond: number, seconds: number, from = 0): number[] {
  return Array.from({ length: seconds }, (_, second) => {
    let captured = 0
    for (let n = 0; n < perSecond; n += 1)
      if (budget.sample(from + second * 1000 + (n * 1000) / perSecond)) captured += 1
    return captured
  })
}

test('every acquire is captured while there are no more than 500 a second', () => {
  const budget = new CaptureBudget(seeded(1))
  expect(capturesAt(budget, 500, 5)).toEqual([500, 500, 500, 500, 500])
})

test('above that about 500 a second are, whatever the rate', () => {
  const budget = new CaptureBudget(seeded(2))
  const [first, ...later] = capturesAt(budget, 20_000, 20)
  // Before the rate is known.
  expect(first).toBe(750)
  for (const captured of later) {
    expect(captured).toBeGreaterThan(350)
    expect(captured).toBeLessThanOrEqual(750)
  }
})

describe('where a capture takes long', () => {
  /** A budget by whose clock each capture takes as long. */
  function budgetAt(costMs: number): CaptureBudget {
    const random = seeded(4)
    let now = 0
    return new CaptureBudget({
      now() {
        now += costMs
        return now
      },
      random: () => random.random(),
    })
  }

  /** What the samples and the extra ones of a busy process take, in milliseconds of a second. */
  function timeTaken(costMs: number): { samples: number; extra: number } {
    const budget = budgetAt(costMs)
    const perSecond = 20_000
    let samples = 0
    let extra = 0
    for (let n = 0; n < perSecond * 12; n += 1) {
      const now = (n * 1000) / perSecond
      const sampled = budget.sample(now)
      const added = budget.takeExtra(now)
      if (sampled || added) budget.capture(timeTaken)
      // From when its cost is known, and what was saved up for a start is spent.
      if (now < 2000) continue
      if (sampled) samples += costMs / 10
      if (added) extra += costMs / 10
    }
    return { samples, extra }
  }

  test.each([0.008, 0.015, 0.03, 0.06])(
    'at %d ms each, a busy process spends about two thousandths of a core on samples, and as much on extra ones',
    (costMs) => {
      const { samples, extra } = timeTaken(costMs)
      expect(samples).toBeGreaterThan(1.5)
      expect(samples).toBeLessThan(2.5)
      expect(extra).toBeLessThan(2.5)
    },
  )

  test('a process that makes few acquires has all of them captured', () => {
    const budget = budgetAt(0.1)
    for (let n = 0; n < 100; n += 1) budget.capture(timeTaken)
    expect(capturesAt(budget, 500, 3)).toEqual([500, 500, 500])
    expect(budget.share).toBe(1)
  })

  test('some are captured in any case', () => {
    const budget = budgetAt(5)
    for (let n = 0; n < 100; n += 1) budget.capture(timeTaken)
    const [, second] = capturesAt(budget, 20_000, 2)
    expect(second).toBeGreaterThanOrEqual(15)
  })
})

test('an app that has become quiet has every acquire captured again within two seconds', () => {
  const budget = new CaptureBudget(seeded(3))
  capturesAt(budget, 20_000, 3)
  const [, second, third] = capturesAt(budget, 100, 3, 3000)
  expect([second, third]).toEqual([100, 100])
})

/**
 * A site that leaks, `every` acquires of another apart and always right behind it, under load: what share of its
 * acquires is captured?
 */
test.each([2, 10, 97, 1000])(
  'a rare site, one acquire in %i, always behind the hot one, is captured as often as any: budget / rate',
  (every) => {
    const budget = new CaptureBudget(seeded(every))
    const perSecond = 5000
    let rare = 0
    let captured = 0
    for (let n = 0; n < perSecond * 400; n += 1) {
      const wanted = budget.sample((n * 1000) / perSecond)
      if (n < perSecond || n % every !== 0) continue
      rare += 1
      if (wanted) captured += 1
    }
    const share = captured / rare
    // The bound is 500 / 5000; three standard deviations of chance around it.
    const spread = 3 * Math.sqrt((0.1 * 0.9) / rare)
    expect(share).toBeGreaterThan(0.1 - spread - 0.01)
    expect(share).toBeLessThan(0.1 + spread + 0.01)
  },
)

describe('an entry point that is used rarely', () => {
  const hot = (): void => {}
  const rare = (): void => {}

  test('is captured beside a busy one', () => {
    const entryPoints = new RareEntryPoints(new CaptureBudget(seeded(1)))
    let rareCaptured = 0
    let hotCaptured = 0
    for (let step = 0; step < 300_000; step += 1) {
      const now = step / 5
      if (entryPoints.wants(hot, now)) hotCaptured += 1
      if (step % 5000 === 0 && entryPoints.wants(rare, now)) rareCaptured += 1
    }
    expect(rareCaptured).toBe(60)
    // One every 20 ms.
    expect(hotCaptured).toBeLessThanOrEqual(3001)
  })

  test('is captured 500 times a second at most, whatever the number of entry points and pools', () => {
    const budget = new CaptureBudget(seeded(1))
    const pools = Array.from({ length: 500 }, () => new RareEntryPoints(budget))
    let captured = 0
    for (let now = 0; now < 10_000; now += 1)
      for (const entryPoints of pools) if (entryPoints.wants(hot, now)) captured += 1
    expect(captured).toBeLessThanOrEqual(500 + 5000)
  })

  test('shares with others when there are too many, so that none is kept for ever', () => {
    const entryPoints = new RareEntryPoints(new CaptureBudget(seeded(1)))
    const wanted = Array.from({ length: 200 }, () => entryPoints.wants(() => {}, 0))
    expect(wanted.filter(Boolean)).toHaveLength(65)
  })
})

test('managers of one process share the budget', () => {
  const clock = new FakeClock()
  expect(captureBudgetOf(clock)).toBe(captureBudgetOf(clock))
  expect(captureBudgetOf(new FakeClock())).not.toBe(captureBudgetOf(clock))
})
