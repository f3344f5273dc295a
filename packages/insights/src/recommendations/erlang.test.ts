import fc from 'fast-check'
import { serversFor, waitProbability } from './erlang.js'

// Values by the sum formula, which textbooks tabulate: (a^n/n!)(n/(n-a)) / (sum a^k/k! + the same).
function bySum(load: number, servers: number): number {
  let term = 1
  let sum = 0
  for (let k = 0; k < servers; k += 1) {
    sum += term
    term *= load / (k + 1)
  }
  const all = (term * servers) / (servers - load)
  return all / (sum + all)
}

describe("Erlang's C formula", () => {
  test.each([
    [0.5, 1, 0.5],
    [1, 2, 1 / 3],
    [2, 3, 4 / 9],
    [3, 4, 0.5094],
    [5, 8, 0.1673],
    [10, 14, 0.1741],
    [8, 10, 0.4092],
    [20, 25, 0.2091],
  ])('a load of %d on %d connections: %d of the callers wait', (load, servers, share) => {
    expect(waitProbability(load, servers)).toBeCloseTo(share, 4)
  })

  test('agrees with its sum formula', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        (servers, part) => {
          expect(waitProbability(servers * part, servers)).toBeCloseTo(
            bySum(servers * part, servers),
            9,
          )
        },
      ),
    )
  })

  test('is a share that falls with every connection, and gives the fewest that are enough', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 400, noNaN: true }),
        fc.double({ min: 0.001, max: 0.5, noNaN: true }),
        (load, share) => {
          const servers = serversFor(load, share)
          expect(waitProbability(load, servers)).toBeLessThanOrEqual(share)
          if (servers > 1) expect(waitProbability(load, servers - 1)).toBeGreaterThan(share)
          expect(waitProbability(load, servers + 1)).toBeLessThanOrEqual(
            waitProbability(load, servers),
          )
        },
      ),
    )
  })

  test('foresees how many callers of a simulated pool wait', () => {
    for (const [load, servers] of [
      [3, 4],
      [8, 10],
      [0.5, 2],
    ] as const)
      expect(simulate(load, servers, 200_000)).toBeCloseTo(waitProbability(load, servers), 1)
  })
})

/** The share of callers who wait in a pool, with random arrivals and random times of use. */
function simulate(load: number, servers: number, callers: number): number {
  let seed = 42
  const random = (): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return (seed + 1) / 2 ** 32
  }
  const freeAt = new Array<number>(servers).fill(0)
  let now = 0
  let waited = 0
  for (let n = 0; n < callers; n += 1) {
    now += -Math.log(random()) / load
    const next = freeAt.indexOf(Math.min(...freeAt))
    const starts = Math.max(now, freeAt[next] as number)
    if (starts > now) waited += 1
    freeAt[next] = starts - Math.log(random())
  }
  return waited / callers
}
