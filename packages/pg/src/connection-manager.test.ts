import { spawn } from 'node:child_process'
import { inspect } from 'node:util'
import { eventually, type PostgresCluster, patient, startCluster } from '@connmgr/testing'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'
import type { PgManagerOptions } from './manager-options.js'

let cluster: PostgresCluster
const managers: PgConnectionManager[] = []

beforeAll(async () => {
  cluster = await startCluster({ hbaMethod: 'scram-sha-256' })
})
afterEach(async () => {
  for (const manager of managers.splice(0)) await manager.close({ drainTimeoutMs: 0 })
})
afterAll(() => cluster.stop())

function create(options: PgManagerOptions = {}): PgConnectionManager {
  const manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    logger: false,
    ...options,
  })
  managers.push(manager)
  return manager
}

describe('a manager of PostgreSQL connections', () => {
  test('use, transaction and acquire lend clients that work', async () => {
    const manager = create()
    await manager.use((client) => client.query('create table items (n int)'))
    await manager.transaction(async (client) => {
      await client.query('insert into items values (1)')
    })
    await expect(
      manager.transaction(async (client) => {
        await client.query('insert into items values (2)')
        throw new Error('second thoughts')
      }),
    ).rejects.toThrow('second thoughts')
    await using lease = await manager.acquire({ target: 'any', label: 'count' })
    expect((await lease.connection.query('select n from items')).rows).toEqual([{ n: 1 }])
    expect(manager.getPoolMetrics()).toMatchObject({
      size: 5,
      limit: 15,
      checkedOut: 1,
      totalConnectionsCreated: 1,
    })
  })

  test('a transaction can be asked for isolation and for reading only', async () => {
    const manager = create()
    const settings = await manager.transaction(
      async (client) =>
        (
          await client.query(
            "select current_setting('transaction_isolation') as level, current_setting('transaction_read_only') as ro",
          )
        ).rows,
      { isolation: 'repeatable read', readOnly: true },
    )
    expect(settings).toEqual([{ level: 'repeatable read', ro: 'on' }])
  })

  test('a leak is named by function, file and line, with the last query but not its values', async () => {
    const manager = create({ leakDetection: { thresholdMs: 50, captureStack: 'always' } })
    const detected = new Promise((resolve) => manager.on('leakDetected', resolve))
    async function forgetful() {
      const client = await manager.pool.connect()
      await client.query('select $1::text as something', ['s3cr3t'])
      return client
    }
    const client = await forgetful()
    await detected
    const [leak] = manager.detectLeaks()
    expect(leak).toMatchObject({
      checkedOutBy: expect.stringMatching(/^forgetful \(.*connection-manager\.test\.ts:\d+:\d+\)$/),
      lastQuery: 'select $1::text as something',
      queryCount: 1,
      checkedOutAt: expect.any(Date),
      heldForMs: expect.any(Number),
    })
    expect(inspect(leak, { depth: 9 })).not.toContain('s3cr3t')
    client.release()
    expect(manager.detectLeaks()).toEqual([])
  })

  test('health: a check now, its history and statistics', async () => {
    const manager = create()
    expect(await manager.checkHealth()).toMatchObject({ healthy: true, role: 'primary' })
    expect(manager.getHealthStats()).toMatchObject({
      totalChecks: 1,
      healthyChecks: 1,
      failedChecks: 0,
      successRate: 1,
    })
    expect(manager.getHealthStatus()).toMatchObject({
      healthy: true,
      healthCheck: { healthy: true },
    })
  })

  test('a password may be asked for', async () => {
    const { port } = cluster.primary
    let asked = 0
    const manager = create({
      databaseUrl: `postgres://postgres@127.0.0.1:${port}/postgres`,
      password: async () => {
        asked += 1
        return 'postgres-secret'
      },
      healthMonitoring: false,
    })
    await manager.warmUp(2)
    // Once for each connection, and for the one that reads the catalog.
    await eventually(() => asked === 3)
  })

  test('two managers in one process do not mix', async () => {
    const [one, two] = [create({ name: 'one' }), create({ name: 'two' })]
    const received: string[] = []
    one.onAny((event) => received.push(event.pool))
    await Promise.all([one.pool.query('select 1'), two.pool.query('select 1')])
    expect(new Set(received)).toEqual(new Set(['one']))
    expect([one, two].map((each) => each.getPoolMetrics().totalCheckouts)).toEqual([1, 1])
    await one.close()
    expect((await two.pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  })

  test('a COMMIT whose answer never came is reported as unknown', async () => {
    await using waiting = await startCluster({
      settings: { synchronous_standby_names: 'nobody' },
    })
    const manager = create({ databaseUrl: waiting.primary.url(), healthMonitoring: false })
    await manager.use((client) =>
      client.query('set synchronous_commit to off; create table paid (n int)'),
    )
    await manager.close()
    const second = create({ databaseUrl: waiting.primary.url(), healthMonitoring: false })
    const committing = second.transaction(async (client) => {
      await client.query('insert into paid values (1)')
      const { rows } = await client.query('select pg_backend_pid() as pid')
      // The commit will wait for a standby that does not exist, until its session is ended.
      void terminateWhenWaiting(rows[0].pid)
    })
    const terminateWhenWaiting = async (pid: number): Promise<void> => {
      for (;;) {
        const found = await waiting.primary.query(
          "select 1 from pg_stat_activity where pid = $1 and wait_event = 'SyncRep'",
          [pid],
        )
        if (found.length > 0) break
      }
      await waiting.primary.query('select pg_terminate_backend($1)', [pid])
    }
    await expect(committing).rejects.toMatchObject({
      code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN',
      sqlState: '08007',
    })
    // It was committed all the same, so a repetition would have been a duplicate.
    expect(await waiting.primary.query('select n from paid')).toEqual([{ n: 1 }])
  })
})

describe('what cannot work is one clear error', () => {
  const secret = 'postgres-secret'

  test.each([
    [
      'an unreachable server',
      () => ({
        databaseUrl: 'postgres://u:postgres-secret@127.0.0.1:1/d',
        acquireTimeoutMs: patient(300),
      }),
      'CONNMGR_ACQUIRE_TIMEOUT',
      /ECONNREFUSED/,
    ],
    [
      'a wrong password',
      () => ({ databaseUrl: cluster.primary.url({ password: 'wrong' }) }),
      'CONNMGR_CONNECT_FAILED',
      /password authentication failed/,
    ],
    [
      'a missing database',
      () => ({ databaseUrl: cluster.primary.url({ database: 'nope' }) }),
      'CONNMGR_CONNECT_FAILED',
      /database "nope" does not exist/,
    ],
    [
      'TLS that the server does not have',
      () => ({ ssl: true }),
      'CONNMGR_CONNECT_FAILED',
      /does not support SSL/,
    ],
  ])('%s', async (_name, options, code, message) => {
    const manager = create(options())
    const error = await manager.pool.query('select 1').catch((thrown) => thrown)
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(secret)
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('wrong')
  })

  test('leaves the process alive and able to end by itself', async () => {
    const script = `
      const { createConnectionManager } = require('@connmgr/pg')
      const manager = createConnectionManager({ databaseUrl: process.argv[1], logger: false })
      manager.pool.query('select 1').catch((error) => console.log(error.code)).then(() => manager.close())`
    for (const [url, code] of [
      [cluster.primary.url({ database: 'nope' }), 'CONNMGR_CONNECT_FAILED\n'],
      [cluster.primary.url(), ''],
    ] as const) {
      const child = spawn(process.execPath, ['-e', script, url], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let output = ''
      child.stdout.on('data', (data) => {
        output += data
      })
      expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(0)
      expect(output).toBe(code)
    }
  })
})
