import { fakeEndpoint } from '@connmgr/testing'
import { ManagedEndpoint } from './managed-endpoint.js'

test('each relapse doubles the time it must be healthy, up to ten minutes; a late fall starts over', () => {
  const endpoint = new ManagedEndpoint<object>(
    fakeEndpoint('a'),
    0,
    {} as never,
    {} as never,
    {} as never,
    new Date(0),
  )
  const fallAfter = (ms: number) => {
    endpoint.trustedAt = 0
    endpoint.fell(ms, 1000)
    return endpoint.stableMs(1000)
  }
  endpoint.fell(5, 1000)
  expect(endpoint.stableMs(1000)).toBe(1000)
  expect([fallAfter(10), fallAfter(10)]).toEqual([2000, 4000])
  for (let i = 0; i < 20; i += 1) fallAfter(10)
  expect(endpoint.stableMs(1000)).toBe(600_000)
  expect(fallAfter(600_000)).toBe(1000)
})
