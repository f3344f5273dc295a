import fc from 'fast-check'
import { FAULTS, heldIdle, lease, OTHER } from '../../test/recommendations/faults.js'
import {
  distribution,
  HEALTHY,
  pool,
  SERVER,
  snapshot,
  statement,
} from '../../test/recommendations/healthy.js'
import { recommendations } from './recommendations.js'

test.each(FAULTS)('%s is found where it is, and nothing else', (code, faulty, facts, expected) => {
  const found = recommendations(snapshot(faulty), facts)
  expect(found.map((each) => each.code)).toEqual([code])
  expect(found[0]).toMatchObject(expected)
  for (const each of found) {
    expect(each.evidence.length).toBeGreaterThan(0)
    expect(JSON.stringify(each)).not.toMatch(/undefined|NaN|Infinity/)
  }
})

test('nothing is recommended to an application that is well, whatever is known of it', () => {
  fc.assert(
    fc.property(HEALTHY, ({ facts, snapshot: healthy }) => {
      expect(recommendations(healthy, facts)).toEqual([])
    }),
    { numRuns: 1000 },
  )
})

test('a fault is found in an application that is well otherwise, and no second one', () => {
  const found = fc.constantFrom(
    ...FAULTS.filter(
      ([, faulty]) =>
        Object.keys(faulty).length === 1 &&
        ('heldIdle' in faulty || 'nPlusOne' in faulty || 'blocking' in faulty),
    ),
  )
  fc.assert(
    fc.property(HEALTHY, found, ({ facts, snapshot: healthy }, [code, faulty, , expected]) => {
      if (code === 'idle-in-transaction-near-timeout' && facts.server === undefined) return
      const codes = recommendations({ ...healthy, ...faulty }, facts).map((each) => each.code)
      expect(codes).toEqual([code])
      expect(expected).toBeDefined()
    }),
  )
})

test('the most severe and most expensive come first', () => {
  const { leaks } = pool({ more: { leaks: [lease()] } })
  const found = recommendations(
    snapshot({
      heldIdle: [heldIdle(), heldIdle({ site: OTHER, heldIdle: distribution(20, 4000) })],
      statements: [statement({ prepared: 0 })],
    }),
    { pool: pool({ more: { leaks } }) },
  )
  expect(found.map(({ code, site }) => [code, site?.line])).toEqual([
    ['leak', undefined],
    ['idle-in-transaction', 77],
    ['idle-in-transaction', 9],
    ['unprepared-statement', 9],
  ])
})

test('a wrong number of instances is refused', () => {
  expect(() => recommendations(snapshot(), { instances: 0 })).toThrow(
    /option "instances" must be a whole number above 0/,
  )
})

test('a hot statement that a library fills with the keys of a page is no fault, unless it carries other values too', () => {
  const codes = (withLiterals: number): string[] =>
    recommendations(
      snapshot({
        statements: [statement({ prepared: 0, withListedNumbers: 5000, withLiterals })],
      }),
      { server: SERVER },
    ).map(({ code }) => code)
  expect(codes(0)).toEqual([])
  expect(codes(5000)).toEqual(['values-in-text'])
})
