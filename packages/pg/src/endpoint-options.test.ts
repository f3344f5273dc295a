import { inspect } from 'node:util'
import { Opened } from '@connmgr/testing'
import fc from 'fast-check'
import pg, { type ClientConfig } from 'pg'
import { createConnectionManager } from './create-connection-manager.js'
import { endpointFrom, settingsOf } from './endpoint-config.js'
import { type EndpointOptions, failoverEndpoints, resolveEndpoints } from './endpoint-options.js'
import { ManagedPool } from './managed-pool.js'

const SECRET = 's3cr3t'
const ENV = {
  DATABASE_URL: 'postgres://envuser:envpass@envhost:1111/app',
  DATABASE_FAILOVER_URLS: 'postgres://envuser:envpass@envfailover:2222/app',
  PGHOST: 'pghost',
  PGPORT: '3333',
  PGUSER: 'pguser',
  PGDATABASE: 'pgdb',
}
const PG_ONLY = { PGHOST: 'pghost', PGPORT: '3333', PGUSER: 'pguser', PGDATABASE: 'pgdb' }

const ids = (options: EndpointOptions, env: NodeJS.ProcessEnv = {}) =>
  resolveEndpoints(options, env).map((each) => each.id)
const configOf = (options: EndpointOptions, index = 0, env: NodeJS.ProcessEnv = {}) =>
  resolveEndpoints(options, env)[index]?.config as ClientConfig & Record<string, unknown>
const failureOf = (work: () => unknown): Error & { option?: string } => {
  try {
    work()
  } catch (error) {
    return error as Error
  }
  throw new Error('expected an error')
}

const opened = new Opened()
afterEach(() => opened.close())

describe('what is explicit and what the environment says', () => {
  test.each<[string, EndpointOptions, NodeJS.ProcessEnv, string[]]>([
    ['all by the environment', {}, ENV, ['envhost:1111/app', 'envfailover:2222/app']],
    ['a URL', { databaseUrl: 'postgres://u@h:5432/d' }, ENV, ['h:5432/d']],
    [
      'a URL and URLs to fail over to',
      { databaseUrl: 'postgres://u@h:5432/d', failoverUrls: ['postgres://u@f:5432/d'] },
      ENV,
      ['h:5432/d', 'f:5432/d'],
    ],
    [
      'URLs to fail over to alone',
      { failoverUrls: ['postgres://u@f:1/app'] },
      ENV,
      ['envhost:1111/app', 'f:1/app'],
    ],
    ['no URLs to fail over to', { failoverUrls: [] }, ENV, ['envhost:1111/app']],
    [
      'a server in parts',
      { server: { host: 'h', port: 1, user: 'u', database: 'd' } },
      ENV,
      ['h:1/d'],
    ],
    // As node-postgres completes what is left out.
    ['a host alone', { server: { host: 'h' } }, ENV, ['h:3333/pgdb']],
    ['a database alone', { server: { database: 'd' } }, ENV, ['pghost:3333/d']],
    ['a URL without a database', { databaseUrl: 'postgres://u@h:5432' }, ENV, ['h:5432/pgdb']],
    ['a URL without a host', { databaseUrl: 'postgres:///d' }, ENV, ['pghost:3333/d']],
    ['PG variables alone', {}, PG_ONLY, ['pghost:3333/pgdb']],
    ['an empty DATABASE_URL', {}, { ...PG_ONLY, DATABASE_URL: ' ' }, ['pghost:3333/pgdb']],
    [
      'PG variables and URLs to fail over to',
      {},
      { ...PG_ONLY, DATABASE_FAILOVER_URLS: 'postgres://f:1/pgdb' },
      ['pghost:3333/pgdb', 'f:1/pgdb'],
    ],
    [
      'an empty list in the environment',
      {},
      { ...ENV, DATABASE_FAILOVER_URLS: '' },
      ['envhost:1111/app'],
    ],
  ])('%s', (_name, options, env, expected) => {
    expect(ids(options, env)).toEqual(expected)
  })

  test('a change of the environment later moves no endpoint', () => {
    const env: NodeJS.ProcessEnv = { ...PG_ONLY }
    const [endpoint] = resolveEndpoints({ server: { host: 'h' } }, env)
    env.PGPORT = '4444'
    expect(endpoint?.config).toMatchObject({
      host: 'h',
      port: 3333,
      user: 'pguser',
      database: 'pgdb',
    })
  })

  test('a ManagedPool and a manager of options take no servers from the environment', () => {
    const before = { ...process.env }
    process.env.DATABASE_FAILOVER_URLS = 'postgres://u@f/other'
    try {
      const managers = [
        createConnectionManager({ databaseUrl: 'postgres://u@h/d', logger: false }),
        createConnectionManager({ host: 'h', user: 'u', database: 'd', logger: false }),
        createConnectionManager({
          clientConfig: { host: 'h', user: 'u', database: 'd' },
          logger: false,
        }),
        new ManagedPool({ connectionString: 'postgres://u@h/d', logger: false }).$connections,
        new ManagedPool({ host: 'h', database: 'd', logger: false }).$connections,
      ]
      for (const manager of managers)
        expect(
          opened
            .add(manager)
            .getFailoverStatus()
            .endpoints.map((each) => each.id),
        ).toEqual(['h:5432/d'])
    } finally {
      process.env = before
    }
  })

  test('a part that is in the URL too has to say the same', () => {
    const databaseUrl = 'postgres://u@h:5432/d'
    expect(ids({ databaseUrl, server: { host: 'h', port: '5432', user: 'u' } })).toEqual([
      'h:5432/d',
    ])
    expect(configOf({ databaseUrl: 'postgres://h/d', server: { user: 'u' } }).user).toBe('u')
    expect(failureOf(() => ids({ databaseUrl, server: { host: 'other' } }))).toMatchObject({
      code: 'CONNMGR_INVALID_OPTION',
      option: 'host',
      message: 'option "host" is "other", but databaseUrl has "h"; give one of them',
    })
  })

  test.each<[EndpointOptions['server'], string]>([
    [{ host: '' }, 'host'],
    [{ host: 'a,b' }, 'host'],
    [{ host: 5 as unknown as string }, 'host'],
    [{ port: 0 }, 'port'],
    [{ port: 'fivethousand' }, 'port'],
    [{ port: Number.NaN }, 'port'],
    [{ port: 70_000 }, 'port'],
    [{ user: ' ' }, 'user'],
    [{ database: null as unknown as string }, 'database'],
  ])('the part %j is refused', (server, option) => {
    expect(failureOf(() => ids({ server: server as object }))).toMatchObject({
      code: 'CONNMGR_INVALID_OPTION',
      option,
    })
  })

  test('a wrong PGSSLMODE is named, unless the options say how to encrypt', () => {
    const env = { PGHOST: 'h', PGSSLMODE: 'requires' }
    expect(failureOf(() => ids({}, env))).toMatchObject({ option: 'PGSSLMODE' })
    expect(ids({ clientConfig: { ssl: false } }, env)).toHaveLength(1)
    expect(ids({}, { ...env, PGSSLMODE: 'require' })).toHaveLength(1)
  })

  test('a wrong PGPORT is named', () => {
    expect(failureOf(() => ids({}, { PGHOST: 'h', PGPORT: 'x' }))).toMatchObject({
      option: 'PGPORT',
    })
  })
})

describe('the endpoints of one manager', () => {
  test('are servers of one database', () => {
    const error = failureOf(() =>
      ids({
        databaseUrl: `postgres://u:${SECRET}@h1/shop`,
        failoverUrls: [`postgres://u:${SECRET}@h2/shop`, `postgres://u:${SECRET}@h3/billing`],
      }),
    )
    expect(error).toMatchObject({ code: 'CONNMGR_INVALID_OPTION', option: 'failoverUrls' })
    expect(error.message).toContain('h1:5432/shop and h3:5432/billing name two databases')
    expect(error.message).toContain('make a manager for each')
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET)
    expect(
      () =>
        new ManagedPool({ host: 'h1', database: 'shop', failoverUrls: 'postgres://h2/billing' }),
    ).toThrow(/two databases/)
  })

  test('may have users of their own', () => {
    const options = {
      databaseUrl: 'postgres://a:1@h1/d',
      failoverUrls: ['postgres://b:2@h2/d', 'postgres://c@h3/d'],
    }
    expect([1, 2].map((index) => configOf(options, index))).toMatchObject([
      { user: 'b', password: '2' },
      { user: 'c', password: undefined },
    ])
  })

  test('have in common what a URL to fail over to leaves out', () => {
    const options = {
      databaseUrl:
        'postgres://a:1@h1:6000/d?application_name=shop&statement_timeout=5000&sslmode=no-verify',
      failoverUrls: ['postgres://h2', 'postgres://h3:7000/?sslmode=disable&application_name=mine'],
    }
    expect(ids(options)).toEqual(['h1:6000/d', 'h2:5432/d', 'h3:7000/d'])
    expect(configOf(options, 1)).toMatchObject({
      user: 'a',
      password: '1',
      application_name: 'shop',
      statement_timeout: '5000',
      ssl: { rejectUnauthorized: false },
    })
    expect(configOf(options, 2)).toMatchObject({ application_name: 'mine', ssl: false })
  })

  test('have the options of the manager in common, whatever their URLs say of TLS', () => {
    const ssl = { rejectUnauthorized: false }
    const options = {
      server: { host: 'h1', user: 'a', database: 'd' },
      clientConfig: { ssl, password: async () => 'asked' },
      failoverUrls: ['postgres://b:2@h2/d?sslmode=disable'],
    }
    expect(configOf(options, 1)).toMatchObject({ user: 'b', ssl, password: expect.any(Function) })
  })

  test('may be a socket and a name', () => {
    expect(
      ids({
        server: { host: '/var/run/postgresql', user: 'u', database: 'd' },
        failoverUrls: ['postgres://h2', 'postgres:///d?host=/other'],
      }),
    ).toEqual(['/var/run/postgresql:5432/d', 'h2:5432/d', '/other:5432/d'])
  })
})

describe('a URL is read as node-postgres reads it', () => {
  /** What a client of node-postgres would do with a configuration. */
  const seenBy = (config: ClientConfig | string): object => {
    const client = new pg.Client(config)
    const { host, port, user, database, password, ssl } = client as pg.Client & {
      password?: string
    }
    const startup = (client as unknown as { getStartupConf(): object }).getStartupConf()
    return { host, port, user, database, password, ssl, startup }
  }
  const seenByUs = (url: string): object => {
    const endpoint = endpointFrom('databaseUrl', { connectionString: url })
    const { config } = endpoint as { config: ClientConfig }
    return seenBy({ ...config, password: config.password } as ClientConfig)
  }

  test.each([
    'postgres://u:p@h:6000/d',
    'postgresql://u@h/d',
    'pg://u@h/d',
    'postgres:///d?host=/cloudsql/project:region:instance&user=u',
    'postgres://u:p@/d?host=/var/run/postgresql',
    'postgres://u:p@localhost/d?host=/cloudsql/project:region:instance',
    'postgres://u@%2Fvar%2Frun%2Fpostgresql/d',
    'postgres://u@%2ftmp%2Fmy%20sockets:6000/d',
    'socket:/var/run/postgresql?db=d&user=u',
    '/var/run/postgresql d',
    'postgres://u@[::1]:6000/d',
    'postgres://u@[2001:db8::1]/d',
    'postgres://u:%40%3A%2F%3F%23@h/d',
    'postgres://u:p@h/a%20b',
    'postgres://u:pa ss@h/d',
    'postgres://h/d?user=x&password=y&port=7',
    'postgres://u@h/d?application_name=a&options=-c%20search_path%3Dx&statement_timeout=10&lock_timeout=20',
    'postgres://u@h/d?idle_in_transaction_session_timeout=7&fallback_application_name=f&client_encoding=utf8',
    'postgres://u@h/d?sslmode=disable',
    'postgres://u@h/d?sslmode=verify-full',
    'postgres://u@h/d?sslmode=no-verify',
    'postgres://u@h/d?ssl=true',
    'postgres://u@h/d?ssl=1',
    'postgres://u@h/d?ssl=0',
    'postgres://u@h/d?ssl=no-verify',
    'postgres://u@h/d?uselibpqcompat=true&sslmode=require',
    'postgres://u@h/d?application_name=',
    'postgres://u@h/d?schema=public&channel_binding=require&target_session_attrs=any&unheard_of=1',
    'postgres://',
    'postgres:///',
  ])('%s', (url) => {
    expect(seenByUs(url)).toEqual(seenBy(url))
  })

  test('whatever its parts', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    const word = fc.stringMatching(/^[a-z][a-z0-9]{0,10}$/)
    const part = (name: string) => (value: string) => `${name}=${encodeURIComponent(value)}`
    const parameter = fc.oneof(
      text.map(part('application_name')),
      text.map(part('options')),
      word.map((value) => part('host')(`/tmp/${value}`)),
      fc.integer({ min: 1, max: 65_535 }).map((value) => `port=${value}`),
      fc.integer({ min: 0, max: 99_999 }).map((value) => `statement_timeout=${value}`),
      fc.constantFrom('sslmode=disable', 'sslmode=verify-full', 'sslmode=no-verify', 'ssl=true'),
      text.map(part('user')),
      text.map(part('password')),
      text.map(part('anything_else')),
    )
    const host = fc.oneof(
      word,
      fc.ipV4(),
      fc.ipV6().map((each) => `[${each}]`),
      fc.constant('%2Ftmp'),
    )
    const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined })
    fc.assert(
      fc.property(
        fc.constantFrom('postgres', 'postgresql'),
        text,
        fc.option(text, { nil: undefined }),
        host,
        port,
        fc.option(word, { nil: undefined }),
        fc.array(parameter, { maxLength: 4 }),
        (scheme, user, password, name, number, database, parameters) => {
          const login = `${encodeURIComponent(user)}${password === undefined ? '' : `:${encodeURIComponent(password)}`}`
          const query = parameters.length === 0 ? '' : `?${parameters.join('&')}`
          const address = `${name}${number === undefined ? '' : `:${number}`}`
          const url = `${scheme}://${login}@${address}${database === undefined ? '' : `/${database}`}${query}`
          expect(seenByUs(url)).toEqual(seenBy(url))
        },
      ),
      { numRuns: 500 },
    )
  })

  test('but what it would pass over in silence is an error', () => {
    const refused: [string, RegExp][] = [
      ['sslmod=require', /unknown parameter "sslmod"; did you mean "sslmode"\?/],
      ['aplication_name=x', /did you mean "application_name"/],
      ['sslmode=requires', /its sslmode must be one of disable, .* but it is "requires"/],
      ['ssl=on', /its ssl must be one of true, false, no-verify/],
      ['port=x', /its port must be a whole number/],
      [
        'dbname=x',
        /"dbname", which node-postgres does not read; write the database behind the host/,
      ],
      ['service=x', /"service"/],
      ['host=a,b', /names several hosts/],
      ['sslaccept=strict', /add sslmode=require/],
      ['sslmode=require&sslaccept=maybe', /its sslaccept must be one of strict/],
      ['uselibpqcompat=true&sslmode=verify-ca', /requires specifying a CA/],
    ]
    for (const [query, message] of refused) {
      const error = failureOf(() => ids({ databaseUrl: `postgres://u:${SECRET}@h/d?${query}` }))
      expect(error).toMatchObject({ code: 'CONNMGR_INVALID_OPTION', option: 'databaseUrl' })
      expect(error.message).toMatch(message)
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET)
    }
  })

  test('ssl=false is no TLS, although node-postgres takes any text for some', () => {
    expect(configOf({ databaseUrl: 'postgres://h/d?ssl=false' }).ssl).toBe(false)
  })

  test('what the URL leaves out is as in the configuration beside it', () => {
    const config = { connectionString: 'postgres://h/d', user: 'u', password: SECRET }
    expect(endpointFrom('x', config).config).toMatchObject({ user: 'u', password: SECRET })
  })

  test('no parameter becomes an option of the client that node-postgres takes from code alone', () => {
    const { config } = endpointFrom('x', {
      connectionString: 'postgres://h/d?stream=x&connection=y&types=z',
    })
    for (const name of ['stream', 'connection', 'types']) expect(config).not.toHaveProperty(name)
  })
})

test('a failover endpoint of an endpoint without options takes nothing from the environment', () => {
  const preferred = endpointFrom('x', { host: 'h', database: 'd', user: 'u' })
  expect(failoverEndpoints(preferred, [])).toEqual([])
  expect(settingsOf(preferred).options).toEqual({})
})
