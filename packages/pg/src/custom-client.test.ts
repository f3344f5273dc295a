import { type PostgresCluster, startCluster } from '@connmgr/testing'
import pg, { type ClientConfig } from 'pg'
import { createConnectionManager } from './create-connection-manager.js'
import { ManagedPool } from './managed-pool.js'

let cluster: PostgresCluster
beforeAll(async () => {
  cluster = await startCluster({ hbaMethod: 'scram-sha-256' })
})
afterAll(() => cluster.stop())

/** A client class that keeps what it was made with, and copies it as such classes do. */
function copying(): { Client: typeof pg.Client; seen: ClientConfig[] } {
  const seen: ClientConfig[] = []
  class Copying extends pg.Client {
    constructor(config?: string | ClientConfig) {
      super({ ...(config as ClientConfig) })
      seen.push(config as ClientConfig)
    }
  }
  return { Client: Copying as typeof pg.Client, seen }
}

async function connectOnce(pool: pg.Pool): Promise<void> {
  const client = await pool.connect()
  client.release()
  await pool.end()
}

describe('a client class of the user', () => {
  test('is made with all that pg-pool makes it with', async () => {
    const config = {
      connectionString: cluster.primary.url(),
      max: 3,
      application_name: 'special',
      statement_timeout: 5000,
      connectionTimeoutMillis: 20_000,
      tenant: 'acme',
    }
    const theirs = copying()
    await connectOnce(new pg.Pool({ ...config, Client: theirs.Client } as pg.PoolConfig))
    const ours = copying()
    await connectOnce(
      new ManagedPool({
        ...config,
        Client: ours.Client,
        healthMonitoring: false,
        logger: false,
      } as object),
    )
    const [first] = ours.seen
    expect(first).toMatchObject({ ...theirs.seen[0], Client: ours.Client })
  })

  test('gets the password by its name, and a copy of the configuration logs in', async () => {
    const { Client, seen } = copying()
    const manager = createConnectionManager({
      databaseUrl: cluster.primary.url(),
      Client,
      logger: false,
    })
    expect((await manager.pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    expect(seen[0]).toMatchObject({
      connectionString: cluster.primary.url(),
      password: 'postgres-secret',
      user: 'postgres',
    })
    await manager.close()
  })

  test('leaves probes their own name, whatever the URL says', async () => {
    const { Client, seen } = copying()
    const manager = createConnectionManager({
      databaseUrl: `${cluster.primary.url()}?application_name=web&query_timeout=5000`,
      Client,
      logger: false,
    })
    await manager.checkHealth()
    const probe = seen.find((each) => each.application_name === 'connmgr-probe')
    expect(probe).toMatchObject({ connectionString: cluster.primary.url(), query_timeout: 0 })
    await manager.pool.query('select 1')
    expect(seen.some((each) => each.application_name === 'web')).toBe(true)
    await manager.close()
  })

  test('gets no URL that says something else than the options do', async () => {
    const { Client, seen } = copying()
    const { port } = cluster.primary
    const manager = createConnectionManager({
      databaseUrl: `postgres://postgres:wrong@127.0.0.1:${port}/postgres`,
      password: async () => 'postgres-secret',
      Client,
      logger: false,
    })
    expect((await manager.pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    expect(seen[0]).not.toHaveProperty('connectionString')
    await manager.close()
  })
})

describe('a mistake in it', () => {
  class Constructing extends pg.Client {
    constructor(config?: string | ClientConfig) {
      super(config)
      const missing = undefined as unknown as { name: string }
      Object.assign(this, { label: missing.name })
    }
  }
  class Connecting extends pg.Client {
    override async connect(): Promise<never> {
      throw new ReferenceError('tenant is not defined')
    }
  }

  test.each([
    ['its constructor', Constructing, /Cannot read properties of undefined/, TypeError],
    ['its connect()', Connecting, /tenant is not defined/, ReferenceError],
  ])('in %s reaches the caller at once', async (_name, Client, message, kind) => {
    for (const failoverUrls of [[], ['postgres://postgres@127.0.0.1:1/postgres']]) {
      const manager = createConnectionManager({
        databaseUrl: cluster.primary.url(),
        failoverUrls,
        Client: Client as typeof pg.Client,
        acquireTimeoutMs: 2 ** 31 - 1,
        logger: false,
      })
      const error = await manager.pool.query('select 1').catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({
        code: 'CONNMGR_CONNECT_FAILED',
        message: expect.stringMatching(message),
      })
      if (failoverUrls.length === 0) expect((error as Error).cause).toBeInstanceOf(kind)
      await manager.close({ drainTimeoutMs: 0 })
    }
  })

  test('after it has worked before ends the wait of those who need a new connection', async () => {
    let broken = false
    class Later extends pg.Client {
      constructor(config?: string | ClientConfig) {
        super(config)
        if (broken) throw new TypeError('no longer')
      }
    }
    const pool = new ManagedPool({
      connectionString: cluster.primary.url(),
      Client: Later as typeof pg.Client,
      acquireTimeoutMs: 2 ** 31 - 1,
      logger: false,
    })
    const client = await pool.connect()
    broken = true
    await expect(pool.connect()).rejects.toMatchObject({
      code: 'CONNMGR_CONNECT_FAILED',
      cause: expect.objectContaining({ message: 'no longer' }),
    })
    client.release()
    await pool.end()
  })
})
