import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type PostgresCluster, startCluster } from '@connmgr/testing'
import { createConnectionManager } from './create-connection-manager.js'
import { ManagedPool } from './managed-pool.js'
import type { PgManagerOptions } from './manager-options.js'

/** Every form of configuration by which node-postgres finds a server and logs in, on a real one. */
describe('a server that asks for a password', () => {
  let cluster: PostgresCluster
  let sockets: string
  const environment = { ...process.env }

  beforeAll(async () => {
    sockets = mkdtempSync(path.join(tmpdir(), 'connmgr-'))
    // The server may run as another user.
    chmodSync(sockets, 0o777)
    cluster = await startCluster({
      hbaMethod: 'scram-sha-256',
      settings: { unix_socket_directories: sockets },
    })
  })
  afterEach(() => {
    process.env = { ...environment }
  })
  afterAll(async () => {
    await cluster.stop()
    rmSync(sockets, { recursive: true, force: true })
  })

  const password = 'postgres-secret'
  async function addressSeen(options: PgManagerOptions): Promise<string | null> {
    const manager = createConnectionManager({ logger: false, ...options })
    try {
      const { rows } = await manager.pool.query<{ address: string | null }>(
        'select host(inet_server_addr()) as address',
      )
      return rows[0]?.address ?? null
    } finally {
      await manager.close()
    }
  }

  test.each<[string, () => PgManagerOptions]>([
    [
      'a host parameter',
      () => ({
        databaseUrl: `postgres://postgres:${password}@/postgres?host=${sockets}&port=${cluster.primary.port}`,
      }),
    ],
    [
      'a host parameter that is encoded',
      () => ({
        databaseUrl: `postgres://postgres:${password}@localhost:${cluster.primary.port}/postgres?host=${encodeURIComponent(sockets)}`,
      }),
    ],
    [
      'a host that is encoded',
      () => ({
        databaseUrl: `postgres://postgres:${password}@${encodeURIComponent(sockets)}/postgres?port=${cluster.primary.port}`,
      }),
    ],
    [
      'a directory and a database',
      () => ({
        databaseUrl: `${sockets} postgres`,
        user: 'postgres',
        port: cluster.primary.port,
        password,
      }),
    ],
    [
      'parts',
      () => ({
        host: sockets,
        port: cluster.primary.port,
        user: 'postgres',
        database: 'postgres',
        password,
      }),
    ],
    [
      'parts in clientConfig',
      () => ({
        clientConfig: {
          host: sockets,
          port: cluster.primary.port,
          user: 'postgres',
          database: 'postgres',
          password,
        },
      }),
    ],
  ])('is reached over a socket by %s', async (_name, options) => {
    expect(await addressSeen(options())).toBeNull()
  })

  test('is reached by the variables of libpq, for a manager and for a pool', async () => {
    delete process.env.DATABASE_URL
    Object.assign(process.env, {
      PGHOST: sockets,
      PGPORT: String(cluster.primary.port),
      PGUSER: 'postgres',
      PGPASSWORD: password,
      PGDATABASE: 'postgres',
      PGAPPNAME: 'by-environment',
      PGOPTIONS: '-c search_path=elsewhere',
    })
    expect(await addressSeen({})).toBeNull()
    const pool = new ManagedPool({ logger: false })
    const { rows } = await pool.query(
      "select current_setting('application_name') as name, current_setting('search_path') as path",
    )
    expect(rows).toEqual([{ name: 'by-environment', path: 'elsewhere' }])
    await pool.end()
  })

  test('gets what a URL has for the session', async () => {
    const manager = createConnectionManager({
      databaseUrl: `${cluster.primary.url()}?application_name=web&statement_timeout=4321&options=-c%20search_path%3Dshop`,
      logger: false,
    })
    const { rows } = await manager.pool.query(
      `select current_setting('application_name') as name, current_setting('search_path') as path,
              current_setting('statement_timeout') as timeout`,
    )
    expect(rows).toEqual([{ name: 'web', path: 'shop', timeout: '4321ms' }])
    await manager.close()
  })

  test('gets the password of a password file', async () => {
    const passwords = path.join(sockets, 'passwords')
    const { port } = cluster.primary
    writeFileSync(passwords, `127.0.0.1:${port}:postgres:postgres:${password}\n`, { mode: 0o600 })
    process.env.PGPASSFILE = passwords
    delete process.env.PGPASSWORD
    expect(
      await addressSeen({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' }),
    ).toBe('127.0.0.1')
    expect(
      await addressSeen({ databaseUrl: `postgres://postgres@127.0.0.1:${port}/postgres` }),
    ).toBe('127.0.0.1')
  })

  test('is failed over to over a socket, when the first has gone', async () => {
    const manager = createConnectionManager({
      host: '127.0.0.1',
      port: 1,
      user: 'postgres',
      password,
      database: 'postgres',
      failoverUrls: [`postgres:///?host=${sockets}&port=${cluster.primary.port}`],
      logger: false,
    })
    expect((await manager.pool.query('select inet_server_addr() as a')).rows).toEqual([{ a: null }])
    expect(manager.getFailoverStatus().activeEndpoint).toBe(
      `${sockets}:${cluster.primary.port}/postgres`,
    )
    await manager.close()
  })
})
