import { FakeClock } from '@connmgr/testing'
import { Preparing } from './preparing.js'
import type { Statement } from './statement-cache.js'

function endpoint() {
  const preparing = new Preparing(new FakeClock())
  const reported: string[] = []
  preparing.onOff = (_endpoint, reason) => reported.push(reason)
  return { reported, of: preparing.of('db:5432'), preparing }
}

const statementWith = (mark: string) => ({ mark }) as Statement

test('a server that answers by the process of the login lets statements be prepared', () => {
  const { of, reported } = endpoint()
  expect(of.permission.allowed).toBe(false)
  of.found({ direct: true, name: 'a', sentAs: 'a' })
  expect(of.permission.allowed).toBe(true)
  expect(reported).toEqual([])
})

test('so does a pooler that gives statements names of its own, as PgBouncer from 1.21 on', () => {
  const { of } = endpoint()
  of.found({ direct: false, name: 'PGBOUNCER_1', sentAs: 'a' })
  expect(of.permission.allowed).toBe(true)
})

test.each([['a'], [undefined]])('any other pooler does not, and that is reported once', (name) => {
  const { of, reported } = endpoint()
  of.found({ direct: false, name, sentAs: 'a' })
  of.found({ direct: true, name, sentAs: 'a' })
  of.unexplained('26000')
  expect(of.permission).toMatchObject({ allowed: false, final: true })
  expect(reported).toHaveLength(1)
})

test('what nothing explains ends it at once behind a pooler, and after some times on a server itself', () => {
  const pooler = endpoint()
  pooler.of.found({ direct: false, name: 'PGBOUNCER_1', sentAs: 'a' })
  pooler.of.unexplained('26000')
  expect(pooler.reported).toEqual([expect.stringContaining('26000')])
  const direct = endpoint()
  direct.of.found({ direct: true, name: 'a', sentAs: 'a' })
  for (let n = 0; n < 9; n += 1) direct.of.unexplained('42P05')
  expect(direct.of.permission.allowed).toBe(true)
  direct.of.unexplained('42P05')
  expect(direct.reported).toHaveLength(1)
})

test('behind a pooler what is prepared after a change differs from what was prepared before it, once for each change', () => {
  const { of } = endpoint()
  of.found({ direct: false, name: 'PGBOUNCER_1', sentAs: 'a' })
  expect(of.mark).toBe('')
  const before = statementWith('')
  of.outdate(before)
  const { mark } = of
  expect(mark).toMatch(/^ \/\* connmgr \d+ \*\/$/)
  of.outdate(before)
  expect(of).toMatchObject({ mark, generation: 2 })
  of.outdate(statementWith(mark))
  expect(of.mark).not.toBe(mark)
  const other = endpoint().of
  other.found({ direct: false, name: 'PGBOUNCER_1', sentAs: 'a' })
  other.outdate()
  expect(other.mark).toBe(mark)
})

test('on a server itself texts are prepared as they are', () => {
  const { of } = endpoint()
  of.found({ direct: true, name: 'a', sentAs: 'a' })
  of.outdate()
  expect(of).toMatchObject({ mark: '', generation: 1 })
})

test('until it is known, nothing is prepared, and the statistics say so', () => {
  const { of, preparing } = endpoint()
  expect(preparing.stats((text) => text).off).toEqual([
    { endpoint: 'db:5432', reason: expect.stringContaining('not known yet') },
  ])
  of.notFound('permission denied')
  expect(preparing.stats((text) => text).off[0]?.reason).toContain('permission denied')
})

test('names are never used twice, in this process or another', () => {
  const [one, two] = [new Preparing(), new Preparing()]
  const names = [one, two].flatMap((each) => [each.nextName(), each.nextName()])
  expect(new Set(names).size).toBe(4)
})
