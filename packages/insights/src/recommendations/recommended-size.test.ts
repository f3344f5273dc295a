import fc from 'fast-check'
import { pool, SERVER, SETTINGS, snapshot } from '../../test/recommendations/healthy.js'
import { recommendations } from './recommendations.js'

describe('the size that is recommended', () => {
  const busy = pool({
    leases: 60_000,
    heldMs: 20,
    waitMs: 300,
    demand: { 5: 50_000, 40: 50_000 },
    failed: 10,
  })

  test('is no more than the server has room for, over all processes', () => {
    const [first] = recommendations(snapshot(), {
      pool: busy,
      server: { ...SERVER, usableConnections: 50, usedConnections: 20 },
      instances: 4,
    })
    // 20 open, 16 of them ours: 4 others, which leaves 46 for four.
    expect(first).toMatchObject({
      code: 'pool-too-small',
      severity: 'critical',
      fix: expect.stringContaining('poolSize and maxOverflow to 11 together'),
    })
    expect(first?.evidence).toContain('The server allows 11 to each of 4 processes')
  })

  test('is none where the server is full', () => {
    const [first] = recommendations(snapshot(), {
      pool: busy,
      server: { ...SERVER, usableConnections: 20 },
      instances: 4,
    })
    expect(first?.fix).toMatch(/^The server has no room for more/)
  })

  test('comes after the code, where connections are mostly held idle', () => {
    const { totals } = snapshot()
    const [first] = recommendations(
      snapshot({ totals: { ...totals, heldMs: 100, heldIdleMs: 90 } }),
      { pool: busy },
    )
    expect(first?.fix).toMatch(/^First release connections before slow work/)
  })

  test('follows bursts, which no average shows, up to twice the size', () => {
    const bursts = pool({
      leases: 12_000,
      waitMs: 50,
      demand: { 0: 380_000, 13: 12_000, 90: 8000 },
    })
    const [first] = recommendations(snapshot(), { pool: bursts })
    expect(first?.fix).toContain('to 20 together')
  })

  test.each([
    ['a process that has just started', { 0: 58_000, 19: 2000 }],
    ['a server that has paused once', { 0: 580_000, 19: 20_000 }],
  ])('is left as it is after one burst, by %s', (_name, demand) => {
    const one = pool({ leases: 1000, waitMs: 200, demand })
    expect(recommendations(snapshot(), { pool: one })).toEqual([])
  })

  test('is enough for the load, and more than is there', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.double({ min: 0.5, max: 2, noNaN: true }),
        (limit, factor) => {
          const totalMs = 100_000
          const heldMs = 50
          const leases = Math.max(100, Math.round((limit * factor * totalMs) / heldMs))
          const facts = pool({
            settings: { ...SETTINGS, poolSize: limit, maxOverflow: 0 },
            leases,
            heldMs,
            waitMs: 100,
            demand: { [limit]: totalMs / 2, [4 * limit]: totalMs / 2 },
          })
          for (const { code, fix } of recommendations(snapshot(), { pool: facts })) {
            if (code !== 'pool-too-small') continue
            const size = Number(/to (\d+) together/.exec(fix)?.[1])
            expect(size).toBeGreaterThan(limit)
            expect(size).toBeGreaterThan((leases * heldMs) / totalMs)
          }
        },
      ),
    )
  })
})
