import { type Promotions, promotionOf, sawPrimary, sawStandby, succeeded } from './promotions.js'

const NONE: Promotions = new Map()
const standby = (id: string) => (promotions: Promotions) => sawStandby(promotions, id)
const primary = (id: string, server: string) => (promotions: Promotions) =>
  sawPrimary(promotions, id, server)

/** What is remembered after these sightings. */
const after = (...sightings: ((promotions: Promotions) => Promotions)[]): Promotions =>
  sightings.reduce((promotions, see) => see(promotions), NONE)
const superseded = (promotions: Promotions, ...ids: string[]): string[] =>
  ids.filter((id) => promotionOf(promotions, id).superseded)

test('one server under two names is taken for one', () => {
  const promotions = after(
    standby('vip'),
    standby('b'),
    primary('a', 'yesterday'),
    primary('b', 'today'),
    primary('vip', 'today'),
  )
  expect(superseded(promotions, 'a', 'b', 'vip')).toEqual(['a'])
  expect(superseded(succeeded(promotions, 'vip', 'b'), 'vip')).toEqual([])
})

test('that one was superseded is forgotten when it follows another, and not before', () => {
  const back = after(primary('a', 'one'), standby('b'), primary('b', 'two'), primary('a', 'three'))
  expect(superseded(back, 'a')).toEqual(['a'])
  const following = sawStandby(back, 'a')
  expect(superseded(following, 'a')).toEqual([])
  const promotions = sawPrimary(following, 'a', 'three')
  expect(promotionOf(promotions, 'a').promoted).toBe(true)
  expect(promotionOf(promotions, 'b').superseded).toBe(true)
})
