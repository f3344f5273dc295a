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
  [
    'bytes that JSON has turned into numbers',
    JSON.parse(JSON.stringify({ key: Buffer.from(SECRET) })),
  ],
  ['an array buffer', new TextEncoder().encode(SECRET).buffer],
  ['pass and pwd', { pass: SECRET, DB_PASS: SECRET, pwd: SECRET, MYSQL_PWD: SECRET }],
  [
    'keys and credentials',
    { api_key: SECRET, accessKey: SECRET, private_key: SECRET, credentials: { a: SECRET } },
  ],
  ['an encoded name', { 'pass%77ord': SECRET }],
  ['headers', new Headers({ authorization: `Bearer ${SECRET}`, 'x-api-key': SECRET })],
  ['headers as an object', { Authorization: SECRET, Cookie: SECRET }],
  ['headers as Node lists them', ['Host', 'h', 'Authorization', SECRET, 'Set-Cookie', SECRET]],
  ['entries', Object.entries({ password: SECRET })],
  ['a form', new URLSearchParams({ password: SECRET })],
  ['a name and a value', [{ name: 'DB_PASSWORD', value: SECRET }]],
  ['a map within a map', new Map([[{}, new Map([['token', SECRET]])]])],
  ['a name', { [`postgres://u:${SECRET}@h/d`]: 1 }],
  ['a boxed text', new String(`password=${SECRET}`)],
  ['a symbol', { [Symbol('password')]: SECRET }],
  [
    'an inherited getter',
    new (class {
      get token() {
        return SECRET
      }
      toJSON() {
        return { token: this.token }
      }
    })(),
  ],
  [
    'a getter',
    {
      get secret() {
        return SECRET
      },
    },
  ],
  [
    'a hidden field of an error',
    Object.defineProperty(new Error('x'), 'cause', { value: { pwd: SECRET } }),
  ],
  ['a number', { pin: 1, password: SECRET.length, secret: SECRET }],
])('hides the secret in %s', (_, value) => {
  const result = redact({ value })
  expect(inspect(result, { depth: null })).not.toContain(SECRET)
  expect(JSON.stringify(result)).not.toContain(SECRET)
})

test('what shows an object’s prototype is kept as a plain field', () => {
  const result = redact(JSON.parse('{"__proto__":{"polluted":true}}')) as object
  expect(Object.hasOwn(result, '__proto__')).toBe(true)
  expect('polluted' in result).toBe(false)
})

test('lists of names stay as they are', () => {
  expect(redact(['id', 'password', 'email', 'token'])).toEqual(['id', 'password', 'email', 'token'])
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
