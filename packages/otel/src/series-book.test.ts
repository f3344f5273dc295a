import { ATTRIBUTE } from '@connmgr/metrics'
import fc from 'fast-check'
import { type Contribution, SeriesBook } from './series-book.js'

const POOLS = ['a', 'b']

/** A manager as the book sees it: what it has counted, and what it shows now. */
interface Shown {
  readonly pool: string
  counted: number
  open: number
}

function contributionOf(book: SeriesBook, { counted, open, pool }: Shown): Contribution {
  const contribution: Contribution = new Map()
  const attributes = { [ATTRIBUTE.pool]: pool }
  book.note(contribution, 'acquired', attributes, counted)
  book.note(contribution, 'connections', attributes, open)
  return contribution
}

test('however managers come, count, go and come back, counters hold all of it, and the rest what is there', () => {
  const step = fc.oneof(
    fc.record({ come: fc.constantFrom(...POOLS) }),
    fc.record({ count: fc.nat(9), by: fc.nat(9) }),
    fc.record({ leave: fc.nat(9) }),
    fc.record({ back: fc.nat(9) }),
    fc.constant({ collect: true }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const book = new SeriesBook()
      const here: Shown[] = []
      const gone: { readonly manager: Shown; readonly kept: Contribution }[] = []
      /** What an SDK shows that never forgets a series. */
      const observed = new Map<string, number>()
      for (const each of [...steps, { collect: true }]) {
        if ('come' in each) here.push({ pool: each.come, counted: 0, open: 1 })
        else if ('count' in each) {
          const manager = here[each.count % Math.max(1, here.length)]
          if (manager !== undefined) {
            manager.counted += each.by
            manager.open = each.by
          }
        } else if ('leave' in each) {
          for (const manager of here.splice(each.leave % Math.max(1, here.length), 1)) {
            const kept = contributionOf(book, manager)
            book.keep(kept)
            gone.push({ manager, kept })
          }
        } else if ('back' in each) {
          for (const { kept, manager } of gone.splice(each.back % Math.max(1, gone.length), 1)) {
            book.unkeep(kept)
            here.push(manager)
          }
        } else {
          const all = here.map((manager) => contributionOf(book, manager))
          for (const { attributes, metric, value } of book.sum(all)) {
            const key = `${metric} ${attributes[ATTRIBUTE.pool]}`
            if (metric === 'acquired') expect(value).toBeGreaterThanOrEqual(observed.get(key) ?? 0)
            observed.set(key, value)
          }
          for (const pool of POOLS) {
            const ofPool = (managers: readonly Shown[]) =>
              managers.filter((one) => one.pool === pool)
            const counted = ofPool([...here, ...gone.map(({ manager }) => manager)])
            expect(observed.get(`acquired ${pool}`) ?? 0).toBe(
              counted.reduce((sum, one) => sum + one.counted, 0),
            )
            expect(observed.get(`connections ${pool}`) ?? 0).toBe(
              ofPool(here).reduce((sum, one) => sum + one.open, 0),
            )
          }
        }
      }
    }),
  )
})
