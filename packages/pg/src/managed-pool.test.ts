import { spawn } from 'node:child_process'
import { eventually, type PostgresCluster, patient, startCluster } from '@connmgr/testing'
import pg, { type PoolClient } from 'pg'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { createConnectionManager } from './create-connection-manager.js'
import { ManagedPool } from './managed-pool.js'
import type { ManagedPoolConfig } from './pool-config.js'

let cluster: PostgresCluster
let pool: ManagedPool

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())
afterEach(async () => {
  if (!pool.ending) await pool.$connections.close({ drainTimeoutMs: 0 })
})

function open(config: ManagedPoolConfig = {}): ManagedPool {
  pool = new ManagedPool({ connectionString: cluster.primary.url(), logger: false, ...config })
  return pool
}

const pidOf = (client: PoolClient): number => (client as unknown as { processID: number }).processID
const _stateOf = async (pid: number): Promise<string | undefined> => {
  const sql = 'select state from pg_stat_activity where pid = $1'
  return (await cluster.primary.query<{ state: string }>(sql, [pid]))[0]?.state
}
const _queryAndRelease = async (client: PoolClient) => {
  try {
    return await client.query('select 2 as n')
  } finally {
    client.release()
  }
}
const _terminate = (pid: number) => cluster.primary.query('select pg_terminate_backend($1)', [pid])

describe('ManagedPool is a pg.Pool', () => {
  test('to instanceof and by its name', () => {
    expect(open()).toBeInstanceOf(pg.Pool)
    expect(pool.constructor.name).toContain('Pool')
    for (const name of ['acquire', 'release', 'destroy', 'numFree', 'numUsed'])
      expect(name in pool).toBe(false)
  })

  test('query: promise, values, config, callback with and without values', async () => {
    open()
    expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    expect((await pool.query('select $1::int as n', [2])).rows).toEqual([{ n: 2 }])
    expect(
      (await pool.query({ text: 'select $1::int as n', values: [3], rowMode: 'array' })).rows,
    ).toEqual([[3]])
    const callback = (...args: unknown[]) =>
      new Promise((resolve, reject) => {
        const done = (error: Error | undefined, result?: pg.QueryResult) =>
          error ? reject(error) : resolve(result?.rows)
        ;(pool.query as (...all: unknown[]) => void)(...args, done)
      })
    expect(await callback('select 4 as n')).toEqual([{ n: 4 }])
    expect(await callback('select $1::int as n', [5])).toEqual([{ n: 5 }])
    await expect(callback('select nonsense')).rejects.toMatchObject({ code: '42703' })
    const refused = await new Promise((resolve) => pool.query(resolve as unknown as string))
    expect(refused).toMatchObject({
      message: expect.stringContaining('function as the first parameter'),
    })
  })

  test('query takes a submittable that calls back', async () => {
    open()
    const result = await new Promise<pg.QueryResult>((resolve, reject) => {
      const query = new pg.Query('select 1 as n')
      ;(pool.query as unknown as (q: pg.Query<never>) => Promise<pg.QueryResult>)(
        query as never,
      ).then(resolve, reject)
    })
    expect(result.rows).toEqual([{ n: 1 }])
    expect(pool.idleCount).toBe(1)
  })

  test('connect: promise, and callback with the release as third argument', async () => {
    open()
    const client = await pool.connect()
    expect((await client.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    expect('then' in client).toBe(false)
    client.release()
    await new Promise<void>((resolve, reject) => {
      pool.connect((error, borrowed, done) => {
        if (error || !borrowed) return reject(error)
        borrowed.query('select 2 as n', (_error: Error, result: pg.QueryResult) => {
          expect(result.rows).toEqual([{ n: 2 }])
          done()
          resolve()
        })
      })
    })
    expect(pool).toMatchObject({ totalCount: 1, idleCount: 1, waitingCount: 0, expiredCount: 0 })
  })

  test('a checked-out client runs cursors and streams', async () => {
    open()
    const client = await pool.connect()
    const cursor = client.query(new Cursor('select * from generate_series(1, 10) as n'))
    expect(await cursor.read(3)).toHaveLength(3)
    await cursor.close()
    const rows: unknown[] = []
    for await (const row of client.query(
      new QueryStream('select * from generate_series(1, 250) as n'),
    ))
      rows.push(row)
    expect(rows).toHaveLength(250)
    client.release()
    await eventually(() => pool.idleCount === 1)
  })

  test('emits connect, acquire, release and remove with the client', async () => {
    open()
    const events: [string, unknown][] = []
    for (const name of ['connect', 'acquire', 'remove'] as const)
      pool.on(name, (client) => events.push([name, client]))
    pool.on('release', (_error, client) => events.push(['release', client]))
    const client = await pool.connect()
    client.release()
    await pool.query('select 1')
    ;(await pool.connect()).release(true)
    expect(events.map(([name]) => name)).toEqual([
      'connect',
      'acquire',
      'release',
      'acquire',
      'release',
      'acquire',
      'release',
      'remove',
    ])
    // The connection itself, the same for all who borrow it; a borrower has a handle that ends with its lease.
    const [[, first] = []] = events as [string, PoolClient & { processID: number }][]
    expect(events.every(([, each]) => each === first)).toBe(true)
    expect((client as PoolClient & { processID: number }).processID).toBe(first?.processID)
  })

  test('listeners that throw or reject cost neither a connection nor another listener', async () => {
    open({ max: 1, connectionTimeoutMillis: patient(10_000) })
    const failures: string[] = []
    const received: string[] = []
    pool.$connections.on('listenerFailed', ({ reason, error }) => {
      failures.push(`${reason}: ${error.message}`)
    })
    for (const event of ['connect', 'acquire', 'release', 'remove'] as const) {
      pool.on(event as 'connect', () => {
        throw new Error('thrown')
      })
      pool.on(event as 'connect', async () => {
        throw new Error('rejected')
      })
      pool.on(event as 'connect', () => received.push(event))
    }
    for (let round = 0; round < 2; round += 1) {
      await pool.query('select 1')
      const client = await pool.connect()
      client.release(round === 1)
    }
    await eventually(() => received.includes('remove') && failures.length >= 2 * received.length)
    for (const event of ['connect', 'acquire', 'release', 'remove'])
      for (const how of ['thrown', 'rejected'])
        expect(failures).toContain(`a listener of the pool's ${event} failed: ${how}`)
  })

  test('a double release throws as pg-pool does, and does no harm', async () => {
    open({ max: 1 })
    const client = await pool.connect()
    client.release()
    const other = await pool.connect()
    expect(() => (other as PoolClient & { release: () => void }).release()).not.toThrow()
    expect(() => other.release()).toThrow(
      'Release called on client which has already been released to the pool.',
    )
  })

  test('release(error) destroys the client', async () => {
    open()
    const client = await pool.connect()
    const pid = pidOf(client)
    client.release(new Error('not trusted'))
    const next = await pool.connect()
    expect(pidOf(next)).not.toBe(pid)
    next.release()
  })

  test('max, min, maxUses, maxLifetimeSeconds, idleTimeoutMillis and connectionTimeoutMillis hold', async () => {
    open({
      max: 2,
      min: 1,
      connectionTimeoutMillis: patient(200),
      maxUses: 1,
      idleTimeoutMillis: 50,
      maxLifetimeSeconds: 60,
    })
    const held = [await pool.connect(), await pool.connect()]
    await expect(pool.connect()).rejects.toMatchObject({
      code: 'CONNMGR_ACQUIRE_TIMEOUT',
      phase: 'wait',
    })
    const pids = held.map(pidOf)
    for (const client of held) client.release()
    const next = await pool.connect()
    expect(pids).not.toContain(pidOf(next))
    next.release()
    await eventually(() => pool.totalCount === 1 && pool.idleCount === 1)
  })

  test('onConnect and verify prepare a new client before it is lent, and can refuse it', async () => {
    const calls: string[] = []
    open({
      onConnect: async (client) => {
        calls.push('onConnect')
        await client.query("set application_name to 'prepared'")
      },
      verify: (_client, done) => {
        calls.push('verify')
        done(calls.length > 2 ? undefined : new Error('not this one'))
      },
    })
    await expect(pool.connect()).rejects.toThrow('not this one')
    const { rows } = await pool.query('show application_name')
    expect(rows).toEqual([{ application_name: 'prepared' }])
    expect(calls).toEqual(['onConnect', 'verify', 'onConnect', 'verify'])
  })

  test('takes a client class of the user', async () => {
    class Special extends pg.Client {}
    open({ Client: Special })
    const client = await pool.connect()
    expect(client).toBeInstanceOf(Special)
    client.release()
  })

  test('end closes everything; it cannot be called twice, and nothing can be borrowed after it', async () => {
    open()
    await pool.query('select 1')
    await pool.end()
    expect(pool).toMatchObject({ ending: true, ended: true, totalCount: 0 })
    await expect(pool.end()).rejects.toThrow('Called end on pool more than once')
    await expect(pool.connect()).rejects.toThrow('Cannot use a pool after calling end on the pool')
    await expect(pool.query('select 1')).rejects.toThrow(
      'Cannot use a pool after calling end on the pool',
    )
    const error = await new Promise((resolve) => pool.end(resolve as () => void))
    expect(error).toMatchObject({ message: 'Called end on pool more than once' })
  })

  test('refuses a misspelt option, and lets one through that only its client knows', async () => {
    expect(() => open({ poolsize: 3 } as ManagedPoolConfig)).toThrow(
      expect.objectContaining({ code: 'CONNMGR_INVALID_OPTION', option: 'poolsize' }),
    )
    open({ failoverPlugins: [] } as ManagedPoolConfig)
    expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  })

  test('keeps its password out of sight', () => {
    open({ connectionString: undefined, host: 'h', user: 'u', password: 's3cr3t' })
    expect(JSON.stringify(pool.options)).not.toContain('s3cr3t')
  })

  test('a facade of a manager ends alone', async () => {
    open()
    const manager = createConnectionManager({ databaseUrl: cluster.primary.url(), logger: false })
    expect(manager.pool).toBe(manager.pool)
    await manager.pool.query('select 1')
    await manager.pool.end()
    expect(await manager.use(async (client) => (await client.query('select 1 as n')).rows)).toEqual(
      [{ n: 1 }],
    )
    expect((await manager.replica.query('select 2 as n')).rows).toEqual([{ n: 2 }])
    await manager.close()
  })

  test('a client that is detached through the manager is removed when it ends, once', async () => {
    const { $connections } = open()
    const removed: unknown[] = []
    pool.on('remove', (client) => removed.push(client))
    await pool.query('select 1')
    const detached = (await $connections.acquire()).detach()
    expect(removed).toEqual([])
    await detached.end()
    expect(removed).toEqual([detached])
    await pool.query('select 1')
    await pool.end()
    expect(removed).toHaveLength(2)
  })

  test('allowExitOnIdle lets the process end', async () => {
    open()
    const script = `
      const { ManagedPool } = require('@connmgr/pg')
      const pool = new ManagedPool({ connectionString: process.argv[1], allowExitOnIdle: true })
      pool.query('select 1').then(() => console.log('queried'))`
    const child = spawn(process.execPath, ['-e', script, cluster.primary.url()], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (data) => {
      output += data
    })
    expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(0)
    expect(output).toBe('queried\n')
  })
})
