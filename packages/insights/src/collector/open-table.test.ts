import fc from 'fast-check'
import { OpenTable } from './open-table.js'

test('holds what a Map holds, whatever comes and goes', () => {
  const step = fc.record({
    // Many that belong to one place.
    number: fc.oneof(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 0, max: 40 }).map((n) => n * 64),
      fc.integer({ min: 1 }),
    ),
    does: fc.constantFrom('set', 'set', 'remove'),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const table = new OpenTable<object>()
      const map = new Map<number, object>()
      for (const { does, number } of steps) {
        if (does === 'set') {
          const value = { number }
          table.set(number, value)
          map.set(number, value)
        } else {
          expect(table.remove(number)).toBe(map.get(number))
          map.delete(number)
        }
        expect(table.size).toBe(map.size)
        expect(table.get(number)).toBe(map.get(number))
      }
      const byNumber = (a: readonly [number, object], b: readonly [number, object]) => a[0] - b[0]
      expect([...table.entries()].sort(byNumber)).toEqual([...map].sort(byNumber))
      expect(new Set(table.values())).toEqual(new Set(map.values()))
      table.clear()
      expect(table.size).toBe(0)
      for (const number of map.keys()) expect(table.get(number)).toBeUndefined()
    }),
  )
})
