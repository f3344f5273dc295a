import {
  type ScriptedLogin,
  type ScriptedServer,
  startCluster,
  startScriptedServer,
  TEST_CERTIFICATE,
} from '@connmgr/testing'
import type { Client, ClientConfig } from 'pg'
import { createConnectionManager } from './create-connection-manager.js'
import { PgDriver } from './driver.js'
import { type EndpointConfig, endpointFrom, relocate } from './endpoint-config.js'
import { resolveEndpoints } from './endpoint-options.js'
import { ManagedPool } from './managed-pool.js'
import { allowedMethods } from './require-auth.js'

const driver = new PgDriver()
const context = () => ({ signal: new AbortController().signal, onSignal: () => {} })

function endpoint(server: { port: number }, more: EndpointConfig = {}) {
  return endpointFrom('test', {
    host: '127.0.0.1',
    port: server.port,
    user: 'app',
    database: 'app',
    password: 'secret',
    ...more,
  } as ClientConfig)
}

/** How an attempt to log in ends. */
async function attempt(target: ReturnType<typeof endpoint>): Promise<string> {
  let client: Client | undefined
  try {
    client = await driver.connect(target, context())
    return 'in'
  } catch (error) {
    expect(driver.classify(error)).toBe('setup')
    return (error as { code: string }).code
  } finally {
    if (client !== undefined) driver.destroy(client)
  }
}

describe('a list of required methods', () => {
  test.each<[string | string[], string[]]>([
    ['scram-sha-256', ['scram-sha-256']],
    [
      ['SCRAM-SHA-256', ' md5 '],
      ['md5', 'scram-sha-256'],
    ],
    ['password,none', ['none', 'password']],
    ['!password', ['none', 'md5', 'scram-sha-256']],
    ['!password,!md5,!gss', ['none', 'scram-sha-256']],
  ])('%j allows %j', (given, allowed) => {
    expect([...allowedMethods('requireAuth', given)]).toEqual(allowed)
  })

  test.each(['', 'scram', 'gss', 'password,!md5', 7, [], [null], '!'])('%j is refused', (given) => {
    expect(() => allowedMethods('requireAuth', given)).toThrow(
      expect.objectContaining({ code: 'CONNMGR_INVALID_OPTION', option: 'requireAuth' }),
    )
  })

  test('is checked when the manager is made, from wherever it comes', () => {
    const url = 'postgres://app@db/app'
    const wrong = { requireAuth: 'scram', logger: false } as const
    for (const make of [
      () => createConnectionManager({ databaseUrl: url, ...wrong }),
      () => new ManagedPool({ connectionString: url, ...wrong }),
      () => createConnectionManager({ databaseUrl: `${url}?require_auth=scram`, logger: false }),
      () => resolveEndpoints({ databaseUrl: url }, { PGREQUIREAUTH: 'scram' }),
    ])
      expect(make).toThrow(expect.objectContaining({ code: 'CONNMGR_INVALID_OPTION' }))
  })
})

describe('a server that asks for something else', () => {
  let server: ScriptedServer
  afterEach(() => server.close())

  test.each<[ScriptedLogin, unknown]>([
    ['password', 'scram-sha-256'],
    ['password', '!password'],
    ['md5', ['scram-sha-256', 'password']],
    ['none', 'scram-sha-256'],
  ])('%s is refused where %j is required, and gets nothing', async (login, requireAuth) => {
    server = await startScriptedServer({ login })
    expect(await attempt(endpoint(server, { requireAuth }))).toBe('CONNMGR_AUTHENTICATION_REFUSED')
    expect(server.proofs).toEqual([])
  })

  test('than SCRAM ended by its own proof is refused', async () => {
    server = await startScriptedServer({ login: 'sasl-without-proof' })
    const target = endpoint(server, { requireAuth: ['scram-sha-256', 'none'] })
    expect(await attempt(target)).toBe('CONNMGR_AUTHENTICATION_REFUSED')
    // The first message of SCRAM proves nothing and gives nothing away.
    expect(server.proofs.join()).not.toContain('secret')
  })

  test.each<ScriptedLogin>(['none', 'password', 'md5'])(
    '%s is answered as node-postgres does, where nothing is required',
    async (login) => {
      server = await startScriptedServer({ login })
      expect(await attempt(endpoint(server))).toBe('in')
      expect(server.proofs).toHaveLength(login === 'none' ? 0 : 1)
    },
  )

  test('than a URL says is refused too, and an option wins over the URL', async () => {
    server = await startScriptedServer({ login: 'password' })
    const url = `postgres://app:secret@127.0.0.1:${server.port}/app?require_auth=scram-sha-256`
    const [fromUrl] = resolveEndpoints({ databaseUrl: url }, {})
    expect(await attempt(fromUrl as never)).toBe('CONNMGR_AUTHENTICATION_REFUSED')
    const clientConfig = { requireAuth: 'password' } as ClientConfig
    const [both] = resolveEndpoints({ databaseUrl: url, clientConfig }, {})
    expect(await attempt(both as never)).toBe('in')
  })
})

describe('a server that a topology source has named', () => {
  let server: ScriptedServer
  afterEach(() => server.close())
  const to = () => ({ host: '127.0.0.1', port: server.port })

  test.each(['named', 'resolved'] as const)('(%s) gets no password in clear', async (how) => {
    server = await startScriptedServer({ login: 'password' })
    expect(await attempt(relocate(endpoint({ port: 1 }), to(), how) as never)).toBe(
      'CONNMGR_AUTHENTICATION_REFUSED',
    )
    expect(server.proofs).toEqual([])
  })

  test('gets it where that is required expressly, and over TLS with a verified certificate', async () => {
    server = await startScriptedServer({ login: 'password', tls: true })
    const expressly = endpoint({ port: 1 }, { requireAuth: 'password' })
    expect(await attempt(relocate(expressly, to(), 'named') as never)).toBe('in')
    const unverified = endpoint({ port: 1 }, { ssl: { rejectUnauthorized: false } })
    expect(await attempt(relocate(unverified, to(), 'named') as never)).toBe(
      'CONNMGR_AUTHENTICATION_REFUSED',
    )
    const verified = endpoint({ port: 1 }, { ssl: { ca: TEST_CERTIFICATE } })
    expect(await attempt(relocate(verified, to(), 'named') as never)).toBe('in')
    expect(server.proofs).toHaveLength(2)
  })
})

test('SCRAM with a real server is let through', async () => {
  await using cluster = await startCluster({ hbaMethod: 'scram-sha-256' })
  const url = `${cluster.primary.url()}?require_auth=scram-sha-256`
  const manager = createConnectionManager({ databaseUrl: url, logger: false })
  try {
    expect((await manager.pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  } finally {
    await manager.close()
  }
})
