import { inspect } from 'node:util'
import { createConnectionManager } from '../create-connection-manager.js'
import { blueprintOf } from '../pool/pool-config.js'
import { connectionConfigOf, endpointFrom, settingsOf } from './endpoint-config.js'
import { resolveEndpoints } from './endpoint-options.js'

const endpoint = (uri: string) => endpointFrom('databaseUrl', { uri })
const configOf = (uri: string) => connectionConfigOf(endpoint(uri))

describe('a URL', () => {
  test.each(['mysql', 'mariadb', 'mysql2', 'MYSQL'])('may begin with %s', (scheme) => {
    expect(endpoint(`${scheme}://app:s%40crét@db1:3307/shop`)).toMatchObject({
      id: 'db1:3307/shop',
      host: 'db1',
      port: 3307,
      database: 'shop',
      account: 'app',
    })
  })

  test('says it all with escapes, and leaves the rest to defaults', async () => {
    expect(await configOf('mysql://a%2Fb:p%40ss%23@db1/my%20db')).toMatchObject({
      host: 'db1',
      port: 3306,
      user: 'a/b',
      password: 'p@ss#',
      database: 'my db',
      connectTimeout: 0,
    })
    expect(endpoint('mysql://db1').id).toBe('db1:3306')
    expect(endpoint('mysql://[::1]:3306/app')).toMatchObject({ id: '[::1]:3306/app', host: '::1' })
  })

  test('has the options of mysql2, as mysql2 reads them', async () => {
    const url =
      'mysql://db1/app?charset=utf8mb4&timezone=Z&dateStrings=true&ssl={"rejectUnauthorized":false}'
    expect(await configOf(url)).toMatchObject({
      charset: 'utf8mb4',
      timezone: 'Z',
      dateStrings: true,
      ssl: { rejectUnauthorized: false },
    })
  })

  test('gives way to the options beside it where it is the uri of mysql2, and else wins', () => {
    const url = 'mysql://app:x@db1:3307/app?charset=latin1'
    const beside = { host: 'db2', database: 'other', charset: 'utf8mb4', port: 0, user: '' }
    expect(endpointFrom('uri', { uri: url, ...beside }).config).toMatchObject({
      host: 'db2',
      port: 3307,
      user: 'app',
      database: 'other',
      charset: 'utf8mb4',
    })
    expect(endpointFrom('databaseUrl', { uri: url, ...beside }).config).toMatchObject({
      host: 'db1',
      database: 'app',
      charset: 'latin1',
    })
  })

  test('has the options of Prisma, in seconds', () => {
    const url =
      'mysql://db1/app?connection_limit=7&pool_timeout=3&connect_timeout=2&socket_timeout=0&max_connection_lifetime=60'
    expect(settingsOf(endpoint(url))).toEqual({
      poolSize: 7,
      maxOverflow: 0,
      acquireTimeoutMs: 3000,
      connectTimeoutMs: 2000,
      queryTimeoutMs: 0,
      maxLifetimeMs: 60_000,
    })
  })

  test('may name a socket', async () => {
    const socket = endpoint('mysql://app@localhost/shop?socket=/run/mysqld/mysqld.sock')
    expect(socket).toMatchObject({ id: '/run/mysqld/mysqld.sock:shop', database: 'shop' })
    expect(socket.host).toBeUndefined()
    expect(await connectionConfigOf(socket)).toMatchObject({
      socketPath: '/run/mysqld/mysqld.sock',
    })
  })

  test.each([
    ['sslaccept=strict', { rejectUnauthorized: true, verifyIdentity: true }],
    ['sslaccept=accept_invalid_certs', { rejectUnauthorized: false }],
    ['ssl-mode=REQUIRED', { rejectUnauthorized: false }],
    ['sslmode=verify-full', { rejectUnauthorized: true, verifyIdentity: true }],
    ['sslmode=disable', undefined],
    ['ssl=true', {}],
  ])('asks for encryption by %s', async (parameter, ssl) => {
    expect((await configOf(`mysql://db1/app?${parameter}`)).ssl || undefined).toEqual(ssl)
  })

  test.each([
    ['postgres://db1/app', /unsupported scheme/],
    ['mysql://db1,db2/app', /several hosts.*failoverUrls/],
    ['mysql://app:100%@db1/app', /percent|%25/],
    ['mysql://db1:99999/app', /no valid URL/],
    ['mysql://db1/app?connection_limt=5', /connection_limt.*did you mean "connection_limit"/],
    ['mysql://db1/app?connection_limit=many', /connection_limit must be a whole number/],
    ['mysql://db1/app?user=root', /write it into the address/],
    ['mysql://db1/app?sslmode=sometimes', /sslmode must be one of/],
    ['mysql://db1/app?sslcert=/nowhere.pem', /"\/nowhere.pem".*cannot be read \(ENOENT\)/],
    ['', /must be a connection URL, but it is empty/],
  ])('%s is refused with what is wrong', (url, message) => {
    let error: Error | undefined
    try {
      createConnectionManager({ databaseUrl: url })
    } catch (thrown) {
      error = thrown as Error
    }
    expect(error).toMatchObject({
      code: 'CONNMGR_INVALID_OPTION',
      message: expect.stringMatching(message),
    })
  })

  test('shows its password in no message and no print', () => {
    const url = 'mysql://app:geheim@db1/app'
    for (const bad of [
      `${url}?nonsense=1`,
      'mysql://app:geheim@db1,db2/app',
      'pg://app:geheim@db1/app',
    ]) {
      expect(() => createConnectionManager({ databaseUrl: bad })).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('geheim') }),
      )
    }
    const made = endpoint(url)
    for (const shown of [
      inspect(made, { showHidden: true, depth: 5 }),
      JSON.stringify(made),
      inspect({ ...made }),
    ])
      expect(shown).not.toContain('geheim')
  })
})

test('the secrets of TLS are there for each server, and in no print', async () => {
  const ssl = { ca: 'public', key: 'geheim', passphrase: 'geheim too' }
  const { endpoints } = blueprintOf({
    uri: 'mysql://app@db1/app',
    failoverUrls: ['mysql://db2'],
    ssl,
  })
  for (const each of endpoints) {
    const config = await connectionConfigOf(each)
    expect(config.ssl).toMatchObject(ssl)
    expect(inspect(config, { depth: 5 }) + JSON.stringify(config)).not.toContain('geheim')
  }
})

describe('the servers', () => {
  test('come from the environment if no option names one', () => {
    const env = {
      DATABASE_URL: 'mysql://app:x@db1/app',
      DATABASE_FAILOVER_URLS: 'mysql://db2, mariadb://db3:3307',
    }
    expect(resolveEndpoints({}, env).map((each) => each.id)).toEqual([
      'db1:3306/app',
      'db2:3306/app',
      'db3:3307/app',
    ])
    expect(
      resolveEndpoints({ databaseUrl: 'mysql://db9/app' }, env).map((each) => each.id),
    ).toEqual(['db9:3306/app'])
  })

  test('share what only the first says', async () => {
    const [, second] = resolveEndpoints(
      { databaseUrl: 'mysql://app:secret@db1/app?charset=utf8mb4', failoverUrls: ['mysql://db2'] },
      {},
    )
    expect(await connectionConfigOf(second as never)).toMatchObject({
      host: 'db2',
      user: 'app',
      password: 'secret',
      database: 'app',
      charset: 'utf8mb4',
    })
  })

  test('get another user without the password of the first', async () => {
    const [, second] = resolveEndpoints(
      { databaseUrl: 'mysql://app:secret@db1/app', failoverUrls: 'mysql://other@db2' },
      {},
    )
    expect((await connectionConfigOf(second as never)).password).toBeUndefined()
  })

  test.each([
    [
      { databaseUrl: 'mysql://db1/app', failoverUrls: ['mysql://db1/app'] },
      /names db1:3306\/app again/,
    ],
    [{ databaseUrl: 'mysql://db1/app', failoverUrls: ['mysql://db2/other'] }, /name two databases/],
    [
      { databaseUrl: 'mysql://db1/app', host: 'db2' },
      /option "host" is "db2", but databaseUrl has "db1"/,
    ],
    [{ host: 'db1', port: 0 }, /option "port"/],
    [{}, /DATABASE_URL is not set/],
  ])('of %j are refused', (options, message) => {
    const { DATABASE_URL: _url, ...env } = process.env
    const before = process.env
    process.env = env
    try {
      expect(() => createConnectionManager(options as never)).toThrow(message)
    } finally {
      process.env = before
    }
  })

  test('a function for the password is asked before each connect', async () => {
    let asked = 0
    const [first] = resolveEndpoints({
      databaseUrl: 'mysql://app:old@db1/app',
      connectionConfig: { password: async () => `new-${++asked}` },
    })
    expect((await connectionConfigOf(first as never)).password).toBe('new-1')
    expect((await connectionConfigOf(first as never)).password).toBe('new-2')
  })

  test('a function for the password that returns none is refused', async () => {
    const [first] = resolveEndpoints({
      databaseUrl: 'mysql://db1/app',
      connectionConfig: { password: (() => 5) as never },
    })
    await expect(connectionConfigOf(first as never)).rejects.toThrow(
      /option "password" must be a string/,
    )
  })
})

describe('options', () => {
  test.each([
    [{ connectionString: 'x' }, /databaseUrl/],
    [{ username: 'x' }, /user/],
    [{ dateStrings: true }, /connectionConfig: \{ dateStrings \}/],
    [{ connectTimeout: 5 }, /connectTimeoutMs/],
    [{ conectionConfig: {} }, /did you mean|connectionConfig/],
    [{ connectionConfig: { dateString: true } }, /dateString/],
    [{ replayStatements: 'always' }, /replayStatements/],
  ])('%j of createConnectionManager are refused with the way out', (options, message) => {
    expect(() =>
      createConnectionManager({ databaseUrl: 'mysql://db1/app', ...options } as never),
    ).toThrow(message)
  })

  test('of a pool of mysql2 mean what they mean there', () => {
    const { endpoints, options, waits } = blueprintOf({
      uri: 'mysql://app:x@db1/app',
      connectionLimit: 20,
      maxIdle: 5,
      idleTimeout: 1000,
      queueLimit: 3,
      waitForConnections: false,
      resetOnRelease: true,
      connectTimeout: 700,
      dateStrings: true,
    })
    expect(endpoints[0]?.config).toMatchObject({ dateStrings: true, user: 'app' })
    expect(options).toMatchObject({
      poolSize: 5,
      maxOverflow: 15,
      idleTimeoutMs: 1000,
      maxWaiters: 3,
      reset: 'reset-all',
      connectTimeoutMs: 700,
    })
    expect(waits).toBe(false)
  })

  test('of a pool of mysql2 keep its defaults', () => {
    expect(blueprintOf('mysql://db1/app').options).toMatchObject({
      poolSize: 10,
      maxOverflow: 0,
      idleTimeoutMs: 60_000,
    })
  })

  test.each([
    [{ connectionLimit: 0 }, /connectionLimit/],
    [{ connectionLimit: 'many' }, /connectionLimit/],
    [{ ssl: true }, /option "ssl"/],
  ])('%j of a pool are refused', (options, message) => {
    expect(() => blueprintOf({ uri: 'mysql://db1/app', ...options } as never)).toThrow(message)
  })
})
