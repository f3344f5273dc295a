import { inspect } from 'node:util'
import type { ConnmgrEvent } from '@connmgr/core'
import {
  eventually,
  FakeClock,
  type PostgresCluster,
  patient,
  type SilentServer,
  startCluster,
  startSilentServer,
} from '@connmgr/testing'
import type { ClientBase, Pool } from 'pg'
import { isPending, Pools, stopTimers } from './pools.js'

/*
 * What callers wait for and hear, with a pool of node-postgres and with ours: each test shows in its first half
 * what hurts people today, and in its second half that it does not happen here.
 */

const pools = new Pools()
let cluster: PostgresCluster
let silent: SilentServer
let connectionString: string
let silentString: string

beforeAll(async () => {
  cluster = await startCluster()
  silent = await startSilentServer()
  connectionString = cluster.primary.url()
  silentString = `postgres://postgres@${silent.host}:${silent.port}/postgres`
})
afterEach(async () => {
  jest.useRealTimers()
  await pools.end()
})
afterAll(async () => {
  await silent.close()
  await cluster.stop()
})

/** Checks a client out, and never gives it back. */
async function hoarder(pool: Pick<Pool, 'connect'>) {
  const client = await pool.connect()
  await client.query('select $1::text as secret', ['s3cret'])
  return client
}

test('an exhausted pool, an unreachable server and a blocked event loop are distinguished', async () => {
  const config = { max: 1, connectionTimeoutMillis: patient(400) }
  const failure = (waiting: Promise<unknown>) =>
    waiting.then(
      () => undefined,
      (error: unknown) => error,
    )
  /** The connection is released in time, but the event loop cannot see it. */
  async function waitWhileBlocked(pool: Pick<Pool, 'connect'>): Promise<unknown> {
    const client = await pool.connect()
    const waiting = pool.connect().then((served) => served.release())
    const replied = client.query('select 1').finally(() => client.release())
    const until = performance.now() + 2.5 * config.connectionTimeoutMillis
    while (performance.now() < until);
    const [error] = await Promise.all([failure(waiting), replied])
    return error
  }

  const exhausted = pools.theirs({ ...config, connectionString })
  await hoarder(exhausted)
  const unreachable = pools.theirs({ ...config, connectionString: silentString })
  const blocked = pools.theirs({ ...config, connectionString })
  const theirs = [
    await failure(exhausted.connect()),
    // The second of two: the first, which has the only slot, hears of a timeout in other words.
    (await Promise.all([1, 2].map(() => failure(unreachable.connect()))))[1],
    await waitWhileBlocked(blocked),
  ]
  expect(theirs).toEqual(Array(3).fill(new Error('timeout exceeded when trying to connect')))

  const ours = pools.ours({
    ...config,
    connectionString,
    leakDetection: { captureStack: 'always' },
  })
  await hoarder(ours)
  await expect(ours.connect()).rejects.toMatchObject({
    code: 'CONNMGR_ACQUIRE_TIMEOUT',
    phase: 'wait',
    counts: { inUse: 1, limit: 1 },
    holders: [{ checkedOutBy: expect.stringMatching(/^hoarder /) }],
  })
  const nowhere = pools.ours({
    ...config,
    connectionString: silentString,
    connectTimeoutMs: patient(150),
  })
  await expect(nowhere.connect()).rejects.toMatchObject({
    code: 'CONNMGR_ACQUIRE_TIMEOUT',
    phase: 'connect',
    cause: expect.objectContaining({ code: 'CONNMGR_CONNECT_TIMEOUT' }),
  })
  expect(await waitWhileBlocked(pools.ours({ ...config, connectionString }))).toBeUndefined()
})

test('a connect that hangs in its last step does not eat its slot', async () => {
  function hangOnce() {
    let calls = 0
    return {
      started: () => calls > 0,
      onConnect: async (client: ClientBase) => {
        calls += 1
        if (calls === 1) await client.query('select pg_sleep(600)')
      },
    }
  }
  const config = { connectionString, max: 1, connectionTimeoutMillis: patient(500) }
  const hook = hangOnce()
  const theirs = pools.theirs({ ...config, onConnect: hook.onConnect })
  const hanging = theirs.connect()
  hanging.catch(() => {})
  await eventually(hook.started)
  await expect(theirs.connect()).rejects.toThrow('timeout exceeded when trying to connect')
  // It came earlier, with the same deadline, which does not cover the hook.
  expect(await isPending(hanging)).toBe(true)
  expect(theirs.totalCount).toBe(1)

  const ours = pools.ours({
    connectionString,
    max: 1,
    connectTimeoutMs: patient(500),
    onConnect: hangOnce().onConnect,
  })
  const failed = new Promise((resolve) => ours.$connections.on('connectionFailed', resolve))
  expect((await ours.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  expect(await failed).toMatchObject({ error: { code: 'CONNMGR_CONNECT_TIMEOUT' } })
  expect(ours.totalCount).toBe(1)
})

test('end settles although a client is leaked, and names who holds it', async () => {
  const theirs = pools.theirs({ connectionString, max: 1 })
  await hoarder(theirs)
  const ending = theirs.end()

  const ours = pools.ours({
    connectionString,
    max: 1,
    leakDetection: { captureStack: 'always' },
  })
  await hoarder(ours)
  const closed = new Promise((resolve) => ours.$connections.on('poolClosed', resolve))
  await ours.$connections.close({ drainTimeoutMs: patient(50) })
  expect(await closed).toMatchObject({
    stragglers: [{ checkedOutBy: expect.stringMatching(/^hoarder /) }],
  })
  await ours.end()

  expect(await isPending(ending)).toBe(true)
})

test('a pool says who holds its connections, since when and what for, without values', async () => {
  const theirs = pools.theirs({ connectionString, max: 1 })
  await hoarder(theirs)
  expect(theirs).toMatchObject({ totalCount: 1, idleCount: 0 })
  expect(inspect(theirs, { depth: 9 })).not.toContain('hoarder')

  const clock = new FakeClock()
  const ours = pools.ours({
    connectionString,
    max: 1,
    clock,
    healthMonitoring: false,
    leakDetection: { captureStack: 'always' },
  })
  await hoarder(ours)
  await clock.advance(5000)
  const holders = ours.$connections.getHolders()
  expect(holders).toMatchObject([
    {
      heldForMs: 5000,
      checkedOutBy: expect.stringMatching(/^hoarder \(.*pains-of-callers\.test\.ts:\d+:\d+\)$/),
      stack: expect.stringContaining('at hoarder'),
      lastQuery: 'select $1::text as secret',
      queryCount: 1,
    },
  ])
  expect(inspect(holders)).not.toContain('s3cret')
})

test('leaks are counted, also those that came back', async () => {
  stopTimers()
  const lines: unknown[] = []
  const theirs = pools.theirs({
    connectionString,
    max: 1,
    log: (...line: unknown[]) => lines.push(line),
  })
  await hoarder(theirs)
  lines.length = 0
  jest.advanceTimersByTime(3_600_000)
  // Nothing tells this from a client that was checked out just now.
  expect(theirs).toMatchObject({ totalCount: 1, idleCount: 0, waitingCount: 0, expiredCount: 0 })
  expect(lines).toEqual([])

  const clock = new FakeClock()
  const ours = pools.ours({ connectionString, max: 2, clock, healthMonitoring: false })
  const leaked = await hoarder(ours)
  await clock.advance(302_000)
  const metrics = () => ours.$connections.getPoolMetrics()
  expect(metrics()).toMatchObject({ leakedConnections: 1, activeLeaks: 1, checkedOut: 1 })
  leaked.release()
  expect(metrics()).toMatchObject({ leakedConnections: 1, activeLeaks: 0, checkedOut: 0 })
})

test('by default no caller waits for ever', async () => {
  stopTimers()
  const theirs = pools.theirs({ connectionString: silentString })
  const hanging = theirs.connect()
  hanging.catch(() => {})
  await eventually(() => silent.connections > 0)
  jest.advanceTimersByTime(24 * 3_600_000)
  expect(await isPending(hanging)).toBe(true)
  // And nothing is left that could ever end it.
  expect(jest.getTimerCount()).toBe(0)

  const clock = new FakeClock()
  const ours = pools.ours({ connectionString: silentString, clock })
  // It has never been reached: `startTimeoutMs`.
  const failing = expect(ours.connect()).rejects.toMatchObject({ code: 'CONNMGR_CONNECT_FAILED' })
  await clock.advance(10_000)
  await failing
  const patientOnes = pools.ours({ connectionString: silentString, clock, startTimeoutMs: 0 })
  const timingOut = expect(patientOnes.connect()).rejects.toMatchObject({
    code: 'CONNMGR_ACQUIRE_TIMEOUT',
    phase: 'connect',
    waitedMs: 30_000,
  })
  await clock.advance(30_000)
  await timingOut
})

test('a flow that waits for a second connection while it holds the first is found, with both places', async () => {
  const config = { connectionString, max: 1, connectionTimeoutMillis: patient(300) }
  async function placeOrder(pool: Pick<Pool, 'connect'>): Promise<void> {
    const client = await pool.connect()
    try {
      await writeAudit(pool)
    } finally {
      client.release()
    }
  }
  async function writeAudit(pool: Pick<Pool, 'connect'>): Promise<void> {
    const client = await pool.connect()
    client.release()
  }
  const theirs = await placeOrder(pools.theirs(config)).catch((error) => error)
  // Nothing says that the connection is held by the very caller.
  expect(theirs).toMatchObject({ message: 'timeout exceeded when trying to connect' })

  const ours = pools.ours({ ...config, leakDetection: { detectNested: true } })
  const found: ConnmgrEvent[] = []
  ours.$connections.on('leaseMisused', (event) => found.push(event))
  await expect(placeOrder(ours)).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_TIMEOUT' })
  expect(found).toMatchObject([
    {
      reason: 'nested',
      lease: { checkedOutBy: expect.stringMatching(/^placeOrder \(.*pains-of-callers/) },
      waiter: { checkedOutBy: expect.stringMatching(/^writeAudit \(.*pains-of-callers/) },
    },
  ])
})
