import { inspect } from 'node:util'
import { redact } from './redact.js'

const SECRET = 's3cr3t'

function invalidUrl(): unknown {
  try {
    return new URL(`postgres://app:${SECRET}@host:port/db`)
  } catch (error) {
    return error
  }
}

test.each([
  ['a password', { password: SECRET }],
  ['a password of another name', { db_password: SECRET, sslPassword: SECRET, PGPASSWORD: SECRET }],
  ['a connection string', { connectionString: SECRET }],
  ['a list of URLs', { failoverUrls: [`postgres://u:${SECRET}@h/d`] }],
  ['an environment', { DATABASE_URL: SECRET }],
  ['a URL', new URL(`postgres://app:${SECRET}@host/db`)],
  ['the input of an invalid URL', invalidUrl()],
  ['the input of an invalid URL, spread', { ...(invalidUrl() as object) }],
  ['a cause', new Error('outer', { cause: new Error('inner', { cause: invalidUrl() }) })],
  ['errors in an error', new AggregateError([new Error(`postgres://u:${SECRET}@h/d`)], 'all')],
  ['a field of an error', Object.assign(new Error('x'), { config: { password: SECRET } })],
  ['a map', new Map([['password', SECRET]])],
  ['a set', new Set([`postgres://u:${SECRET}@h/d`])],
  ['what toJSON gives', { toJSON: () => ({ password: SECRET }) }],
  ['bytes', Buffer.from(SECRET)],
])('hides the secret in %s', (_, value) => {
  const result = redact({ value })
  expect(inspect(result, { depth: null })).not.toContain(SECRET)
  expect(JSON.stringify(result)).not.toContain(SECRET)
})

test('leaves what it is given untouched', () => {
  const config = { password: SECRET, nested: { token: SECRET } }
  redact(config)
  expect(config).toEqual({ password: SECRET, nested: { token: SECRET } })
})

test('keeps an error with its name, code, stack, cause and parts', () => {
  const error = Object.assign(new RangeError('outer', { cause: new Error('inner') }), {
    code: 'E1',
  })
  expect(redact(error)).toEqual({
    name: 'RangeError',
    message: 'outer',
    code: 'E1',
    stack: expect.stringContaining('redact.test.ts'),
    cause: expect.objectContaining({ name: 'Error', message: 'inner' }),
  })
  expect(redact(new AggregateError([new Error('part')], 'all'))).toMatchObject({
    errors: [{ message: 'part' }],
  })
})

test('keeps ordinary values, and makes the others printable', () => {
  expect(
    redact({
      input: 'kept',
      hasPassword: true,
      password: undefined,
      count: 10n,
      at: new Date(0),
      never: new Date(Number.NaN),
      list: [1, 'a', null],
      work: () => {},
    }),
  ).toEqual({
    input: 'kept',
    hasPassword: true,
    password: undefined,
    count: '10',
    at: '1970-01-01T00:00:00.000Z',
    never: null,
    list: [1, 'a', null],
    work: undefined,
  })
})

test('cuts circles', () => {
  const circle: Record<string, unknown> = { a: 1 }
  circle.self = circle
  expect(redact(circle)).toEqual({ a: 1, self: '[circular]' })
})

test('cuts off what is too deep or too large', () => {
  let deep: object = {}
  for (let depth = 0; depth < 50; depth += 1) deep = { deep }
  expect(JSON.stringify(redact(deep))).toContain('[deeper]')
  // Each level holds the next one ten times: ten to the seventh in all.
  let wide: object = { end: true }
  for (let depth = 0; depth < 7; depth += 1) wide = Array.from({ length: 10 }, () => wide)
  expect(JSON.stringify(redact(wide)).length).toBeLessThan(200_000)
})

test('goes on after a getter or a proxy that throws', () => {
  const hostile = {
    get broken(): string {
      throw new Error('no')
    },
    proxy: new Proxy(
      {},
      {
        ownKeys() {
          throw new Error('no')
        },
      },
    ),
    sound: 1,
  }
  expect(redact(hostile)).toEqual({ broken: '[unreadable]', proxy: '[unreadable]', sound: 1 })
})
