import fc from 'fast-check'
import type { MeasuredManager } from './measured-manager.js'
import { poolNameOf } from './pool-names.js'

interface Closable {
  readonly name: string
  closed: boolean
}

const nameOf = (manager: Closable) => poolNameOf(manager as unknown as MeasuredManager)

test('open managers never share a name, and keep theirs', () => {
  const step = fc.oneof(
    { weight: 2, arbitrary: fc.record({ open: fc.constantFrom('a', 'a#2', 'a#2#2', 'b') }) },
    { weight: 1, arbitrary: fc.record({ close: fc.nat(20) }) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const open: Closable[] = []
      const names = new Map<Closable, string>()
      for (const each of steps) {
        if ('open' in each) {
          const manager = { name: each.open, closed: false }
          open.push(manager)
          names.set(manager, nameOf(manager))
          expect(names.get(manager)).toMatch(new RegExp(`^${each.open}(#\\d+)?$`))
        } else if (open.length > 0) {
          for (const manager of open.splice(each.close % open.length, 1)) manager.closed = true
        }
        const shown = open.map(nameOf)
        expect(new Set(shown).size).toBe(open.length)
        expect(shown).toEqual(open.map((manager) => names.get(manager)))
      }
      for (const manager of open) manager.closed = true
    }),
  )
})

test("the name of a closed manager is the next one's", () => {
  const first = { name: 'again', closed: false }
  expect(nameOf(first)).toBe('again')
  const beside = { name: 'again', closed: false }
  expect(nameOf(beside)).toBe('again#2')
  first.closed = true
  expect(nameOf({ name: 'again', closed: false })).toBe('again')
  expect(nameOf(first)).toBe('again')
})
