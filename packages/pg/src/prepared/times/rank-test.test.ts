import fc from 'fast-check'
import { msOf, stepOf } from './log-scale.js'
import { RankTest } from './rank-test.js'

const TIMES = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 8 })
const STRATA = fc.array(fc.tuple(TIMES, TIMES), { minLength: 1, maxLength: 6 })

function tested(strata: readonly (readonly [readonly number[], readonly number[]])[]): RankTest {
  const test = new RankTest()
  for (const [fast, slow] of strata) test.add(fast, slow)
  return test
}

test('two tests add up to the test of all that both were given', () => {
  fc.assert(
    fc.property(STRATA, STRATA, (one, other) => {
      const merged = tested(one)
      merged.merge(tested(other))
      expect(merged.strata).toBe(one.length + other.length)
      expect(merged.z).toBeCloseTo(tested([...one, ...other]).z, 9)
    }),
  )
})

test('evidence for the one is evidence against the other', () => {
  fc.assert(
    fc.property(STRATA, (strata) => {
      const swapped = strata.map(([fast, slow]) => [slow, fast] as const)
      expect(tested(swapped).z).toBeCloseTo(-tested(strata).z, 9)
    }),
  )
})

test('how busy the machine is from one stratum to the next does not matter', () => {
  fc.assert(
    fc.property(
      STRATA,
      fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 6, maxLength: 6 }),
      (strata, loads) => {
        const loaded = strata.map(([fast, slow], index) => {
          const add = (times: readonly number[]) =>
            times.map((time) => time + (loads[index] as number))
          return [add(fast), add(slow)] as const
        })
        expect(tested(loaded).z).toBeCloseTo(tested(strata).z, 9)
      },
    ),
  )
})

test('over all orders of the same times the evidence has a mean of 0 and a variance of 1', () => {
  fc.assert(
    fc.property(
      fc
        .array(fc.integer({ min: 0, max: 5 }), { minLength: 4, maxLength: 9 })
        .filter((times) => new Set(times).size > 1),
      (times) => {
        const found = choices(times, Math.floor(times.length / 2)).map(
          ([fast, slow]) => tested([[fast, slow]]).z,
        )
        const mean = found.reduce((sum, z) => sum + z, 0) / found.length
        expect(mean).toBeCloseTo(0, 9)
        expect(found.reduce((sum, z) => sum + z * z, 0) / found.length).toBeCloseTo(1, 9)
      },
    ),
  )
})

test('equal times, and nothing at all, are no evidence', () => {
  expect(
    tested([
      [
        [7, 7, 7],
        [7, 7],
      ],
    ]).z,
  ).toBe(0)
  expect(tested([[[], [7]]]).z).toBe(0)
  expect(new RankTest().z).toBe(0)
})

test('a step of the scale is within 4 % of its time, from a microsecond to five minutes', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.001, max: 300_000, noNaN: true }), (ms) => {
      expect(Math.abs(Math.log(msOf(stepOf(ms)) / ms))).toBeLessThan(Math.log(1.0401))
    }),
  )
  expect(stepOf(0)).toBe(0)
  expect(stepOf(Number.NaN)).toBe(0)
  expect(stepOf(Number.POSITIVE_INFINITY)).toBe(255)
})

/** All choices of so many of them, with the rest. */
function choices(times: readonly number[], count: number): [number[], number[]][] {
  const found: [number[], number[]][] = []
  for (let bits = 0; bits < 2 ** times.length; bits += 1) {
    const taken = times.filter((_time, index) => (bits >> index) % 2 === 1)
    if (taken.length === count)
      found.push([taken, times.filter((_time, index) => (bits >> index) % 2 === 0)])
  }
  return found
}
