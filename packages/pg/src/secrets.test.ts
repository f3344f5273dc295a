import { type AddressInfo, createServer } from 'node:net'
import { inspect } from 'node:util'
import type { ConnmgrEvent } from '@connmgr/core'
import { eventually, type PostgresCluster, patient, startCluster } from '@connmgr/testing'
import { createConnectionManager } from './create-connection-manager.js'
import { endpointFrom, relocate } from './endpoint-config.js'
import { ManagedPool } from './managed-pool.js'
import type { PgManagerOptions } from './manager-options.js'
import { patroniTopology } from './topology/patroni.js'

const SECRET = 'hunter2'

function expectNoSecretIn(...things: unknown[]): void {
  const lines = printed(...things).split('\n')
  expect(lines.filter((line) => line.includes(SECRET))).toEqual([])
}

/** Everything that an application may print of what it was given. */
function printed(...things: unknown[]): string {
  return things.flatMap((thing) => [inspect(thing, { depth: 10 }), jsonOf(thing)]).join('\n')
}

function jsonOf(thing: unknown): string {
  try {
    return JSON.stringify(thing) ?? ''
  } catch (error) {
    return String(error)
  }
}

describe('a ManagedPool', () => {
  const config = {
    connectionString: `postgres://app:${SECRET}@127.0.0.1:1/app`,
    password: SECRET,
    ssl: { key: SECRET, passphrase: SECRET, pfx: SECRET, ca: 'public' },
    failoverUrls: [`postgres://app:${SECRET}@127.0.0.1:2/app`],
    clientConfig: { password: SECRET },
    application_name: 'shop',
    logger: false,
    max: 3,
  } as const

  test('is printed by its counts, without the secrets of its options', async () => {
    const pool = new ManagedPool(config)
    expect(inspect(pool)).toMatch(/^ManagedPool \{\s+target: 'primary',\s+name: 'postgresql',/)
    expect(JSON.parse(JSON.stringify(pool))).toMatchObject({
      target: 'primary',
      name: 'postgresql',
      closed: false,
      endpoints: ['127.0.0.1:1/app', '127.0.0.1:2/app'],
      counts: { total: 0 },
    })
    expect(inspect(pool, { depth: 10, showHidden: true, customInspect: false })).not.toContain(
      SECRET,
    )
    expectNoSecretIn(pool, pool.options, { ...pool }, { ...pool.options }, pool.$connections)
    await pool.end()
  })

  test('leaves its options to be read by name, and the caller’s as they are', async () => {
    const pool = new ManagedPool(config)
    expect(pool.options).toMatchObject({ application_name: 'shop', max: 3 })
    expect(pool.options.connectionString).toBe(config.connectionString)
    expect(pool.options.password).toBe(SECRET)
    expect(pool.options.ssl).toMatchObject({ ca: 'public' })
    expect((pool.options.ssl as { passphrase?: string }).passphrase).toBe(SECRET)
    expect(Object.keys(config.ssl)).toEqual(expect.arrayContaining(['passphrase', 'pfx']))
    pool.options.password = 'changed'
    expect(pool.options.password).toBe('changed')
    await pool.end()
  })

  test('that is a facade is printed by its counts too', async () => {
    const manager = createConnectionManager({
      databaseUrl: config.connectionString,
      password: SECRET,
      name: 'shop',
      logger: false,
    })
    expect(inspect(manager)).toMatch(/^PgConnectionManager \{\s+name: 'shop',/)
    expect(inspect(manager.replica)).toMatch(
      /^ManagedPool \{\s+target: 'prefer-standby',\s+name: 'shop',/,
    )
    expectNoSecretIn(manager, manager.pool)
    await manager.close()
  })
})

test('a key of TLS stays with an endpoint that moves, though node-postgres has hidden it', () => {
  const ssl = Object.defineProperty({ key: 'k', ca: 'c' }, 'key', { enumerable: false })
  const endpoint = endpointFrom('connectionString', { host: 'db.internal', ssl })
  const moved = relocate(endpoint, { host: '10.0.0.1' }, 'resolved').config as { ssl: object }
  expect(moved.ssl).toMatchObject({ servername: 'db.internal', key: 'k', ca: 'c' })
})

describe('on a server', () => {
  let cluster: PostgresCluster
  beforeAll(async () => {
    cluster = await startCluster()
  })
  afterAll(() => cluster.stop())

  async function using(
    options: PgManagerOptions,
    work: (manager: ReturnType<typeof createConnectionManager>, seen: unknown[]) => Promise<void>,
  ): Promise<unknown[]> {
    const seen: unknown[] = []
    const log = (...line: unknown[]): void => {
      seen.push(line)
    }
    const manager = createConnectionManager({
      databaseUrl: cluster.primary.url(),
      logger: { debug: log, info: log, warn: log, error: log },
      ...options,
    })
    manager.onAny((event: ConnmgrEvent) => seen.push(event))
    try {
      await work(manager, seen)
    } finally {
      await manager.close({ drainTimeoutMs: 0 })
    }
    return seen
  }

  test('a function for the password that fails shows no secret in errors, causes, events and logs', async () => {
    const server = createServer((socket) => {
      // AuthenticationCleartextPassword
      socket.on('data', () => socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3])))
      socket.on('error', () => socket.destroy())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const seen = await using(
      {
        databaseUrl: `postgres://app@127.0.0.1:${port}/app`,
        password: () =>
          Promise.reject(
            new Error(`GET https://vault/login?X-Amz-Signature=${SECRET} failed`, {
              cause: new AggregateError(
                [new Error(`Authorization: Bearer ${SECRET}`)],
                `token=${SECRET}`,
              ),
            }),
          ),
        acquireTimeoutMs: patient(2000),
      },
      async (manager, seen) => {
        const error = await manager.acquire().catch((each: unknown) => each)
        expect(error).toMatchObject({
          cause: { message: expect.stringContaining('X-Amz-Signature=***') },
        })
        seen.push(error, manager.getHealthStatus())
      },
    )
    expectNoSecretIn(...seen)
    server.close()
  })

  test.each([
    ['text', "alter role keeper password '***'"],
    ['fingerprint', 'alter role keeper password ?'],
    ['none', undefined],
  ] as const)('with reportSql %j a statement is reported as %j', async (reportSql, shown) => {
    await cluster.primary.query('drop role if exists keeper')
    await cluster.primary.query('create role keeper')
    const seen = await using(
      { reportSql, leakDetection: { thresholdMs: 20 } },
      async (manager, seen) => {
        const lease = await manager.acquire()
        await lease.connection.query(`alter role keeper password '${SECRET}'`)
        await eventually(() => manager.detectLeaks().length === 1)
        expect(manager.getHolders()[0]?.lastQuery).toBe(shown)
        seen.push(manager.detectLeaks(), manager.getHealthStatus(), lease)
        lease.release()
      },
    )
    expectNoSecretIn(...seen)
  })

  test.each([
    ['text', 'select pg_sleep(30) as a'],
    ['fingerprint', 'select pg_sleep(?) as a'],
    ['none', undefined],
  ] as const)(
    'with reportSql %j a statement that timed out is reported as %j',
    async (reportSql, query) => {
      const seen = await using({ reportSql, queryTimeoutMs: patient(100) }, async (manager) => {
        await expect(manager.pool.query('select pg_sleep(30) as a')).rejects.toMatchObject({
          code: expect.any(String),
        })
      })
      expect(seen).toContainEqual(expect.objectContaining({ type: 'queryTimedOut', query }))
    },
  )

  test('the key that cancels a session is not printed with its client', async () => {
    await using({}, async (manager) => {
      await manager.use((client) => {
        expect((client as unknown as { secretKey: number }).secretKey).toEqual(expect.any(Number))
        expect(Object.keys(client)).not.toContain('secretKey')
      })
    })
  })

  test('a source of the topology with credentials in its URL fails without showing them', async () => {
    const seen = await using(
      { topology: patroniTopology({ urls: [`http://patroni:${SECRET}@127.0.0.1:1`] }) },
      async (manager, seen) => {
        await manager.start()
        await eventually(() =>
          seen.some((each) => (each as ConnmgrEvent).type === 'topologyFailed'),
        )
      },
    )
    expectNoSecretIn(...seen)
  })
})
