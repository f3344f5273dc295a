import { inspect } from 'node:util'
import { addressId, makeEndpoint, withHiddenPassword } from './endpoint.js'

test.each([
  ['db', 1, 'app', 'db:1/app'],
  ['::1', 1, 'app', '[::1]:1/app'],
  ['db', 1, undefined, 'db:1'],
])('the id of %s, %s, %s is %s', (host, port, database, id) => {
  expect(addressId(host, port, database)).toBe(id)
})

test('an endpoint shows nothing of what its driver connects with', () => {
  const endpoint = makeEndpoint({ id: 'a' }, { password: 's3cr3t' })
  expect(endpoint.config.password).toBe('s3cr3t')
  const shown = [JSON.stringify(endpoint), inspect(endpoint), JSON.stringify({ ...endpoint })]
  expect(shown).toEqual(['{"id":"a"}', 'Endpoint(a)', '{"id":"a"}'])
})

test('a hidden password can be read by name and changed', () => {
  const config = withHiddenPassword({ user: 'u' }, 'old')
  config.password = 'new'
  expect(config.password).toBe('new')
  expect(JSON.stringify(config)).toBe('{"user":"u"}')
})
