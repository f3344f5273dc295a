import { UrlParameters, withUrlOptions } from './url-settings.js'

const optionsOf = (parameters: Record<string, string>) =>
  new UrlParameters('databaseUrl', parameters).options()

test('carries only what the URL says', () => {
  expect(optionsOf({})).toEqual({})
  expect(optionsOf({ connection_limit: '3', pool_timeout: '2' })).toEqual({
    poolSize: 3,
    maxOverflow: 0,
    acquireTimeoutMs: 2000,
  })
})

test('0 seconds are no limit', () => {
  const forEver = 2 ** 31 - 1
  expect(optionsOf({ pool_timeout: '0', connect_timeout: '0', socket_timeout: '0' })).toEqual({
    acquireTimeoutMs: forEver,
    connectTimeoutMs: forEver,
    queryTimeoutMs: 0,
  })
})

test.each([
  ['connection_limit', '0', 'a whole number from 1 to 100000'],
  ['connection_limit', '1.5', 'a whole number from 1 to 100000'],
  ['pool_timeout', '-1', 'a whole number from 0 to 2147483'],
])('refuses %s=%s', (name, value, expected) => {
  expect(() => optionsOf({ [name]: value })).toThrow(
    expect.objectContaining({
      code: 'CONNMGR_INVALID_OPTION',
      message: `option "databaseUrl": its ${name} must be ${expected}, but it is "${value}"`,
    }),
  )
})

test('a flag is true or false and nothing else', () => {
  const flag = (value?: string) =>
    new UrlParameters('databaseUrl', value === undefined ? {} : { f: value }).flag('f')
  expect([flag(), flag('false'), flag('true')]).toEqual([false, false, true])
  expect(() => flag('yes')).toThrow('its f must be true or false, but it is "yes"')
})

describe('options beside those of a URL', () => {
  test('win over them', () => {
    expect(
      withUrlOptions({ acquireTimeoutMs: 1 }, { acquireTimeoutMs: 2, queryTimeoutMs: 3 }),
    ).toEqual({ acquireTimeoutMs: 1, queryTimeoutMs: 3 })
  })

  test('a size that is given is all of the size', () => {
    expect(withUrlOptions({ poolSize: 2 }, { poolSize: 9, maxOverflow: 0 })).toEqual({
      poolSize: 2,
    })
  })

  test('a static pool takes no size from the URL', () => {
    expect(withUrlOptions({ poolMode: 'static' }, { poolSize: 9, maxOverflow: 0 })).toEqual({
      poolMode: 'static',
    })
  })
})
