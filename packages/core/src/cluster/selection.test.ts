import type { FakeConnection } from '@connmgr/testing'
import type { ManagedEndpoint } from './managed-endpoint.js'
import { select, serves, takeTurn } from './selection.js'

type Given = { state?: string; role?: string; lagging?: boolean; load?: number }

function endpoint({ state = 'UP', role = 'standby', lagging = false, load = 0 }: Given = {}) {
  return {
    state,
    role,
    lagging,
    turn: 0,
    pool: { load },
  } as unknown as ManagedEndpoint<FakeConnection>
}

const writer = endpoint({ role: 'primary' })
const busy = endpoint({ load: 5 })
const free = endpoint({ load: 1 })

test.each([
  ['primary', true, false],
  ['standby', false, true],
  ['prefer-standby', true, true],
  ['any', true, true],
] as const)('target %s: the writer serves it: %p, a standby: %p', (target, byWriter, byStandby) => {
  expect(serves(writer, target, writer)).toBe(byWriter)
  expect(serves(free, target, writer)).toBe(byStandby)
})

test.each<[string, Given]>([
  ['is down', { state: 'DOWN' }],
  ['is far behind', { lagging: true }],
  ['is a primary that is not the writer', { role: 'primary' }],
])('an endpoint that %s takes no reads', (_what, given) => {
  const unfit = endpoint(given)
  expect(serves(unfit, 'any', writer)).toBe(false)
  expect(select([writer, unfit], 'standby', writer)).toBeUndefined()
  expect(select([writer, unfit], 'prefer-standby', writer)).toBe(writer)
})

test('of several standbys the one with the least to do is chosen, wherever it is listed', () => {
  expect(select([writer, busy, free], 'standby', writer)).toBe(free)
  expect(select([free, busy, writer], 'prefer-standby', writer)).toBe(free)
})

test('standbys with equally much to do take turns, whatever their order in the list', () => {
  const [a, b, c] = [endpoint(), endpoint(), endpoint()]
  const chosen = Array.from({ length: 6 }, () => {
    const next = select([writer, a, b, c], 'prefer-standby', writer)
    if (next !== undefined) takeTurn(next)
    return next
  })
  expect(chosen.map((each) => [a, b, c].indexOf(each as typeof a))).toEqual([0, 1, 2, 0, 1, 2])
})

test('a standby with less to do comes first even if its turn was the last', () => {
  const [a, b] = [endpoint({ load: 1 }), endpoint()]
  takeTurn(b)
  expect(select([a, b], 'standby', writer)).toBe(b)
})

test('without a writer, any and prefer-standby go to a standby, and primary to none', () => {
  expect(select([busy, free], 'any', undefined)).toBe(free)
  expect(select([busy, free], 'prefer-standby', undefined)).toBe(free)
  expect(select([busy, free], 'primary', undefined)).toBeUndefined()
})

test('any goes to the writer while there is one, however busy', () => {
  expect(select([free, writer], 'any', writer)).toBe(writer)
})
