import { spawn } from 'node:child_process'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { inspect } from 'node:util'
import { once } from '@connmgr/core'
import { withConnectionManager } from '@connmgr/drizzle'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import {
  eventually,
  FakeClock,
  type PostgresCluster,
  type PostgresNode,
  patient,
  sourceAliases,
  startCluster,
  startFaultProxy,
} from '@connmgr/testing'
import { sql } from 'drizzle-orm'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { build } from 'esbuild'
import type { PoolClient } from 'pg'
import { close, manage } from '../packages/core/test/harness.js'
import { Pools, stopTimers } from './pools.js'

/*
 * What becomes of a connection, with a pool of node-postgres and with ours: each test shows in its first half what
 * hurts people today, and in its second half that it does not happen here.
 */

const ROOT = path.join(__dirname, '..')
const pools = new Pools()
let cluster: PostgresCluster
let connectionString: string

beforeAll(async () => {
  cluster = await startCluster()
  connectionString = cluster.primary.url()
})
afterEach(async () => {
  jest.useRealTimers()
  await pools.end()
})
afterAll(() => cluster.stop())

const terminate = (pid: unknown) => cluster.primary.query('select pg_terminate_backend($1)', [pid])
const pidOf = (client: PoolClient) => (client as unknown as { processID: number }).processID

/** Loses the client that it has checked out, and goes on with another. */
const UNLUCKY_PROGRAM = `
  const pg = require('pg')
  const { ManagedPool } = require('@connmgr/pg')
  const [whose, connectionString] = process.argv.slice(2)
  const Pool = whose === 'ours' ? ManagedPool : pg.Pool
  const pool = new Pool({ connectionString, max: 2 })
  pool.on('error', () => {})
  async function main() {
    const client = await pool.connect()
    const ended = new Promise((resolve) => client.once('end', resolve))
    const dying = client.query('select pg_sleep(600)').catch((error) => console.log(error.code))
    await pool.query('select pg_terminate_backend($1)', [client.processID])
    await dying
    await ended
    client.release()
    const { rows } = await pool.query('select 1 as n')
    console.log(rows[0].n)
    await pool.end()
  }
  main()`

async function runUnlucky(whose: string): Promise<{ exit: unknown; out: string; err: string }> {
  const { outputFiles } = await build({
    stdin: { contents: UNLUCKY_PROGRAM, resolveDir: ROOT },
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    packages: 'external',
    alias: sourceAliases('core', 'pg'),
  })
  const child = spawn(process.execPath, ['-', whose, connectionString], {
    cwd: ROOT,
    stdio: 'pipe',
    timeout: patient(30_000),
  })
  child.stdin.end(outputFiles[0]?.text)
  const exited = new Promise((resolve) => child.on('exit', resolve))
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { exit: await exited, out, err }
}

test('a checked-out client that dies ends its query, not the process', async () => {
  const theirs = await runUnlucky('theirs')
  expect(theirs).toMatchObject({ exit: 1, err: expect.stringContaining("Unhandled 'error' event") })
  expect(await runUnlucky('ours')).toEqual({
    exit: 0,
    out: 'CONNMGR_CONNECTION_LOST\n1\n',
    err: '',
  })
})

test('a query that timed out at the client does not time out the next borrower, and is cancelled', async () => {
  const config = { connectionString, max: 1, query_timeout: patient(500) }
  const theirs = pools.theirs(config)
  const impatient = await theirs.connect()
  await expect(impatient.query('select pg_sleep(600)')).rejects.toThrow('Query read timeout')
  impatient.release()
  await expect(theirs.query('select 1')).rejects.toThrow('Query read timeout')

  const ours = pools.ours(config)
  const client = await ours.connect()
  const pid = pidOf(client)
  await expect(client.query('select pg_sleep(600)')).rejects.toThrow('Query read timeout')
  client.release()
  expect((await ours.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  await eventually(
    async () =>
      (await cluster.primary.query('select 1 from pg_stat_activity where pid = $1', [pid]))
        .length === 0,
  )
})

test('a Drizzle transaction whose BEGIN fails gives its client back, and one whose ROLLBACK fails tells the first error', async () => {
  const impossible = { isolationLevel: 'nonsense' as 'serializable' }
  const beginNothing = (db: NodePgDatabase) => db.transaction(async () => {}, impossible)
  const loseAndThrow = (db: NodePgDatabase) =>
    db.transaction(async (tx) => {
      const { rows } = await tx.execute(sql`select pg_backend_pid() as pid`)
      await terminate(rows[0]?.pid)
      throw new Error('the first')
    })
  const config = { connectionString, max: 1, connectionTimeoutMillis: patient(500) }

  const theirs = pools.theirs(config)
  await expect(beginNothing(drizzle({ client: theirs }))).rejects.toMatchObject({
    cause: { code: '42601' },
  })
  await expect(theirs.query('select 1')).rejects.toThrow('timeout exceeded when trying to connect')
  const others = pools.theirs(config)
  // Or the loss would end this process.
  others.on('connect', (client) => client.on('error', () => {}))
  const masked: unknown = await loseAndThrow(drizzle({ client: others })).catch((error) => error)
  expect(inspect(masked)).toContain('Failed query: rollback')
  expect(inspect(masked)).not.toContain('the first')

  const ours = pools.ours(config)
  const db = withConnectionManager({}, ours.$connections)
  await expect(beginNothing(db)).rejects.toMatchObject({ code: 'CONNMGR_INVALID_OPTION' })
  // A level that is none does not get as far as the server, so BEGIN has to fail otherwise.
  db.$client.once('acquire', (client) => client.connection.stream.destroy())
  await expect(db.transaction(async () => {})).rejects.toMatchObject({
    cause: { code: 'CONNMGR_CONNECTION_LOST' },
  })
  expect((await ours.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  await expect(loseAndThrow(db)).rejects.toThrow('the first')
  expect((await ours.query('select 2 as n')).rows).toEqual([{ n: 2 }])
})

test('no caller inherits the transaction of the last borrower, and the one who left it open is named', async () => {
  await cluster.primary.query('create table notes (n int)')
  const written = () => cluster.primary.query('select n from notes')
  async function careless(pool: Pick<ReturnType<typeof pools.ours>, 'connect'>, sent: string) {
    const client = await pool.connect()
    await client.query('begin')
    await client.query(sent).catch(() => {})
    client.release()
  }
  const theirs = pools.theirs({ connectionString, max: 1 })
  await careless(theirs, 'select 1')
  // Acknowledged, and yet no other session will ever see it.
  await theirs.query('insert into notes values (1)')
  expect(await written()).toEqual([])
  await theirs.query('rollback')
  await careless(theirs, 'select nonsense')
  await expect(theirs.query('insert into notes values (1)')).rejects.toMatchObject({
    code: '25P02',
  })

  const ours = pools.ours({
    connectionString,
    max: 1,
    leakDetection: { captureStack: 'always' },
  })
  const named: unknown[] = []
  ours.$connections.on('connectionDirty', ({ lease }) => named.push(lease.checkedOutBy))
  await careless(ours, 'select 1')
  await ours.query('insert into notes values (2)')
  expect(await written()).toEqual([{ n: 2 }])
  await careless(ours, 'select nonsense')
  await ours.query('insert into notes values (3)')
  expect(await written()).toEqual([{ n: 2 }, { n: 3 }])
  expect(named).toEqual([expect.stringMatching(/^careless /), expect.stringMatching(/^careless /)])
})

test('after a failover writes go to the new primary, not to the old one that answers as a standby', async () => {
  await using replicated = await startCluster({ standbys: 1 })
  const { primary } = replicated
  const [standby] = replicated.standbys as [PostgresNode]
  const theirs = pools.theirs({ connectionString: primary.url() })
  const ours = pools.ours({ connectionString: primary.url(), failoverUrls: [standby.url()] })
  await theirs.query('create table ledger (n int)')
  await ours.query('insert into ledger values (1)')
  await standby.waitForReplay(primary)
  await primary.stop('fast')
  await standby.promote()
  await primary.rebuildAsStandbyOf(standby)

  for (let attempt = 1; attempt <= 3; attempt += 1) {
    // What a pre-ping asks is answered.
    expect((await theirs.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    await expect(theirs.query('insert into ledger values (0)')).rejects.toMatchObject({
      code: '25006',
    })
  }

  await ours.query('insert into ledger values (2)')
  expect(await standby.query('select n from ledger')).toEqual([{ n: 1 }, { n: 2 }])
})

test('ten unique violations cost no connection', async () => {
  await cluster.primary.query('create table once (n int primary key); insert into once values (1)')
  const config = { connectionString, max: 1 }
  for (const [pool, connections] of [
    [pools.theirs(config), 10],
    [pools.ours(config), 1],
  ] as const) {
    let connected = 0
    pool.on('connect', () => {
      connected += 1
    })
    for (let attempt = 1; attempt <= 10; attempt += 1) {
      await expect(pool.query('insert into once values (1)')).rejects.toMatchObject({
        code: '23505',
      })
    }
    expect(connected).toBe(connections)
  }
})

test('the first query after an idle time does not fail on a connection that the network has forgotten', async () => {
  await using proxy = await startFaultProxy({ target: cluster.primary })
  const throughProxy = `postgres://postgres@${proxy.host}:${proxy.port}/postgres`
  const clock = new FakeClock()
  const theirs = pools.theirs({ connectionString: throughProxy, max: 1 })
  const ours = pools.ours({
    connectionString: throughProxy,
    max: 1,
    clock,
    healthMonitoring: false,
  })
  await theirs.query('select 1')
  await ours.query('select 1')
  proxy.halfOpen()
  await proxy.heal()
  // Idle for longer than the window in which a connection is trusted.
  await clock.advance(5000)

  await expect(theirs.query('select 1')).rejects.toMatchObject({ code: 'ECONNRESET' })

  expect((await ours.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  expect(ours.$connections.getPoolMetrics().totalConnectionsCreated).toBe(2)
})

test('settings of a session do not reach the next borrower, if asked', async () => {
  const config = { connectionString, max: 1 }
  for (const [pool, leaks] of [
    [pools.theirs(config), true],
    [pools.ours({ ...config, reset: 'discard-all' }), false],
  ] as const) {
    const client = await pool.connect()
    await client.query("set search_path to 'elsewhere'; create temp table scratch (n int)")
    client.release()
    const { rows } = await pool.query(
      `select current_setting('search_path') = 'elsewhere' as path,
              to_regclass('pg_temp.scratch') is not null as scratch`,
    )
    expect(rows).toEqual([{ path: leaks, scratch: leaks }])
  }
})

test('credentials that expire are asked for at each connect, also with a URL, and live connections stay', async () => {
  await using guarded = await startCluster({ hbaMethod: 'scram-sha-256' })
  let token = 'first'
  const rotate = async (next: string) => {
    token = next
    await guarded.primary.query(`alter role app password '${next}'`)
  }
  await guarded.primary.query(`create role app login password 'first'`)
  const config = {
    connectionString: guarded.primary.url({ user: 'app', password: token }),
    password: () => token,
    max: 2,
  }
  const theirs = pools.theirs(config)
  const ours = pools.ours(config)
  const live = [await theirs.connect(), await ours.connect()]
  await rotate('second')

  // The URL's password wins over the function, which pg.Pool never asks.
  await expect(theirs.connect()).rejects.toMatchObject({ code: '28P01' })

  const another = await ours.connect()
  expect((await another.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  for (const client of live) {
    expect((await client.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    client.release()
  }
  another.release()
})

test('connections born together do not die together', async () => {
  stopTimers()
  const theirs = pools.theirs({
    connectionString,
    max: 10,
    maxLifetimeSeconds: 60,
    idleTimeoutMillis: 0,
  })
  const clients = await Promise.all(Array.from({ length: 10 }, () => theirs.connect()))
  for (const client of clients) client.release()
  jest.advanceTimersByTime(60_000 - 1000)
  expect(theirs.totalCount).toBe(10)
  jest.advanceTimersByTime(1000)
  expect(theirs.totalCount).toBe(0)

  const h = manage({ poolSize: 10, maxLifetimeMs: 60_000 })
  try {
    await h.manager.warmUp()
    await h.clock.advance(61_000)
    const deaths = h.of('connectionClosed').map(({ durationMs }) => Math.floor(durationMs / 1000))
    expect(deaths).toHaveLength(10)
    expect(new Set(deaths).size).toBeGreaterThan(3)
  } finally {
    await close(h)
  }
})

test('modules that are loaded again and again open one pool', async () => {
  const backends = async (name: string): Promise<unknown> => {
    const [row] = await cluster.primary.query(
      'select count(*)::int as n from pg_stat_activity where application_name = $1',
      [name],
    )
    return row?.n
  }
  for (let reload = 0; reload < 3; reload += 1) {
    const pool = pools.theirs({ connectionString, application_name: 'reloaded theirs' })
    await pool.query('select 1')
  }
  expect(await backends('reloaded theirs')).toBe(3)

  const load = (): PgConnectionManager =>
    once('reloaded', () =>
      createConnectionManager({
        databaseUrl: connectionString,
        clientConfig: { application_name: 'reloaded ours' },
        healthMonitoring: false,
        logger: false,
      }),
    )
  for (let reload = 0; reload < 3; reload += 1) await load().pool.query('select 1')
  expect(await backends('reloaded ours')).toBe(1)
  await load().close()
  expect(load().closed).toBe(false)
  await load().close()
})
