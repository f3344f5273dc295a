import { inspect } from 'node:util'
import { eventually, type PostgresCluster, startCluster } from '@connmgr/testing'
import pg, { type PoolClient } from 'pg'
import { createConnectionManager } from './create-connection-manager.js'
import { ManagedPool } from './managed-pool.js'

const SECRET = 's3cr3t'
let cluster: PostgresCluster
beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())

describe('the options of a pool', () => {
  test('are the engine’s, under pg-pool’s names, and follow resize', async () => {
    const manager = createConnectionManager({
      databaseUrl: `postgres://app:${SECRET}@db.internal:6000/shop?application_name=web`,
      poolSize: 4,
      maxOverflow: 2,
      minIdle: 0,
      acquireTimeoutMs: 1500,
      idleTimeoutMs: 2500,
      maxLifetimeMs: 90_000,
      maxUses: 7,
      logger: false,
    })
    for (const { options } of [manager.pool, manager.replica]) {
      expect({ ...options }).toMatchObject({
        max: 6,
        min: 0,
        connectionTimeoutMillis: 1500,
        idleTimeoutMillis: 2500,
        maxLifetimeSeconds: 90,
        maxUses: 7,
        allowExitOnIdle: false,
        host: 'db.internal',
        port: 6000,
        user: 'app',
        database: 'shop',
        application_name: 'web',
      })
      expect(options.password).toBe(SECRET)
      expect(inspect(options, { depth: 9, showHidden: true })).not.toContain(SECRET)
      expect(JSON.stringify(options)).not.toContain(SECRET)
    }
    manager.resize({ poolSize: 10 })
    expect(manager.pool.options.max).toBe(12)
    manager.pool.options.max = 3
    expect(manager.getPoolMetrics().limit).toBe(3)
    await manager.close()
  })

  test('show no limit as pg-pool has it', async () => {
    const pool = new ManagedPool({
      host: 'h',
      idleTimeoutMillis: 0,
      maxLifetimeSeconds: 0,
      logger: false,
    })
    expect(pool.options).toMatchObject({
      max: 10,
      min: 0,
      idleTimeoutMillis: 0,
      maxLifetimeSeconds: 0,
      maxUses: Number.POSITIVE_INFINITY,
    })
    await pool.end()
  })

  test('are enough for a library to open a connection of its own', async () => {
    const manager = createConnectionManager({ databaseUrl: cluster.primary.url(), logger: false })
    const client = new pg.Client(manager.pool.options as pg.ClientConfig)
    await client.connect()
    expect((await client.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    await client.end()
    await manager.close()
  })
})

describe('the events and counts of a pool', () => {
  let pool: ManagedPool
  beforeEach(() => {
    pool = new ManagedPool({ connectionString: cluster.primary.url(), max: 2, logger: false })
  })
  afterEach(async () => {
    if (!pool.ending) await pool.$connections.close({ drainTimeoutMs: 0 })
  })
  const pidOf = (client: PoolClient) => (client as unknown as { processID: number }).processID

  test('an error is the server’s own, with its code and the client', async () => {
    const received: unknown[][] = []
    pool.on('error', (...args) => received.push(args))
    const clients: unknown[] = []
    pool.on('connect', (client) => clients.push(client))
    const client = await pool.connect()
    const pid = pidOf(client)
    client.release()
    await cluster.primary.query('select pg_terminate_backend($1)', [pid])
    await eventually(() => received.length === 1)
    const [[error, reported] = []] = received as [Error & { client: unknown }, unknown][]
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({
      code: '57P01',
      severity: 'FATAL',
      message: 'terminating connection due to administrator command',
    })
    expect(reported).toBe(clients[0])
    expect(error?.client).toBe(reported)
    expect(Object.keys(error as object)).not.toContain('client')
    expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain('connectionParameters')
  })

  test('counts are those of pg-pool: who waits for a connection under way does not wait for others', async () => {
    const held = [pool.connect(), pool.connect()]
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([2, 0, 0])
    const clients = await Promise.all(held)
    const third = pool.connect()
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([2, 0, 1])
    clients[0]?.release()
    ;(await third).release()
    clients[1]?.release()
    expect([pool.totalCount, pool.idleCount, pool.waitingCount, pool.expiredCount]).toEqual([
      2, 2, 0, 0,
    ])
    expect([pool.ending, pool.ended]).toEqual([false, false])
    const ending = pool.end()
    expect([pool.ending, pool.ended]).toEqual([true, false])
    await ending
    expect([pool.totalCount, pool.idleCount, pool.ended]).toEqual([0, 0, true])
  })
})
