import {
  eventually,
  type PostgresCluster,
  type PostgresNode,
  patient,
  startCluster,
  startFaultProxy,
} from '@connmgr/testing'
import pg from 'pg'
import { createConnectionManager } from '../create-connection-manager.js'
import { ManagedPool } from '../managed-pool.js'
import type { ManagedPoolConfig } from '../pool-config.js'

const NAME = 'lanes to be lost'

let cluster: PostgresCluster
let pool: ManagedPool

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query('create table ledger (id int)')
})
afterAll(() => cluster.stop())
beforeEach(() => cluster.primary.query('truncate ledger'))
afterEach(() => pool.$connections.close({ drainTimeoutMs: patient(1000) }))

function open(config: ManagedPoolConfig = {}): ManagedPool {
  pool = new ManagedPool({
    connectionString: cluster.primary.url(),
    application_name: NAME,
    shared: true,
    logger: false,
    ...config,
  })
  return pool
}

type Fate = 'acknowledged' | 'failed' | 'unknown'

/** Inserts one row, and returns the answer that its caller got. */
async function insert(id: number, text = 'insert into ledger values ($1)'): Promise<Fate> {
  try {
    await pool.query(text, [id])
    return 'acknowledged'
  } catch (error) {
    const { code } = error as Error & { code?: string }
    if (code === 'CONNMGR_CONNECTION_LOST') return 'failed'
    if (code === 'CONNMGR_COMMIT_OUTCOME_UNKNOWN') return 'unknown'
    throw error
  }
}

/** How often each id is in the table, beside the answers that callers got. */
async function compare(fates: readonly Fate[]): Promise<void> {
  const rows = await cluster.primary.query<{ id: number; n: number }>(
    'select id, count(*)::int as n from ledger group by id',
  )
  const found = new Map(rows.map(({ id, n }) => [id, n]))
  fates.forEach((fate, id) => {
    const times = found.get(id) ?? 0
    expect(times).toBeLessThanOrEqual(1)
    if (fate === 'acknowledged') expect(times).toBe(1)
    if (fate === 'failed') expect(times).toBe(0)
  })
}

/** Keeps statements of the pool from writing until it is released. */
async function lockLedger(): Promise<{
  /** Waits until one of them is held up, and returns the id of its backend. */
  heldUp: () => Promise<number>
  release: () => Promise<void>
}> {
  const holder = new pg.Client(cluster.primary.url())
  // It may die with the server.
  holder.on('error', () => {})
  await holder.connect()
  await holder.query('begin; lock table ledger in share mode')
  return {
    heldUp: async () => {
      let pid = 0
      await eventually(async () => {
        const [row] = await cluster.primary.query<{ pid: number }>(
          `select pid from pg_stat_activity where application_name = '${NAME}' and wait_event_type = 'Lock'`,
        )
        pid = row?.pid ?? 0
        return pid !== 0
      })
      return pid
    },
    release: async () => {
      await holder.query('rollback').catch(() => {})
      await holder.end().catch(() => {})
    },
  }
}

/** A statement of the pool that waits for a lock, its neighbours behind it on the same connection, and its backend. */
async function heldUp(neighbours: number): Promise<{
  fates: Promise<Fate[]>
  pid: number
  release: () => Promise<void>
}> {
  const { heldUp, release } = await lockLedger()
  await pool.query('select 1')
  const fates = Promise.all(Array.from({ length: neighbours + 1 }, (_each, id) => insert(id)))
  return { fates, pid: await heldUp(), release }
}

const atRest = () => eventually(() => pool.$connections.getCounts('primary').inUse === 0)

test('of a backend that is terminated, the statement that it ran rejects, and those behind it run elsewhere, once', async () => {
  open({ max: 1 })
  const { fates, pid, release } = await heldUp(20)
  await cluster.primary.query('select pg_terminate_backend($1)', [pid])
  await release()
  const reported = await fates
  expect(reported).toEqual(['failed', ...Array(20).fill('acknowledged')])
  await compare(reported)
  await atRest()
})

test('of a connection that is reset, each statement that was sent is of unknown outcome, and none runs twice', async () => {
  const proxy = await startFaultProxy({ target: cluster.primary })
  open({
    max: 1,
    connectionString: cluster.primary.url().replace(`:${cluster.primary.port}`, `:${proxy.port}`),
  })
  const { fates, release } = await heldUp(20)
  proxy.reset()
  await release()
  const reported = await fates
  expect(reported).toEqual(Array(21).fill('unknown'))
  await compare(reported)
  await atRest()
  expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  await pool.$connections.close({ drainTimeoutMs: 0 })
  await proxy.close()
})

test(
  'a server that dies under queries loses nothing that it acknowledged, and runs nothing twice',
  async () => {
    open({ max: 4, acquireTimeoutMs: patient(20_000) })
    const { fates, pid, release } = await heldUp(50)
    process.kill(pid, 'SIGKILL')
    const reported = await fates
    await release()
    expect(reported).toContain('unknown')
    await eventually(() =>
      cluster.primary.query('select 1').then(
        () => true,
        () => false,
      ),
    )
    await compare(reported)
    await atRest()
  },
  patient(60_000),
)

test(
  'backends that are terminated again and again under a steady load leave every caller with the truth',
  async () => {
    open({ max: 5 })
    let stopping = false
    const fates: Fate[] = []
    let next = 0
    const callers = Array.from({ length: 40 }, async () => {
      while (!stopping) {
        const id = next
        next += 1
        fates[id] = await insert(id)
      }
    })
    for (let kill = 0; kill < 15; kill += 1) {
      const before = fates.length
      await eventually(() => fates.length > before + 100)
      await cluster.primary.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = '${NAME}' limit 2`,
      )
    }
    stopping = true
    await Promise.all(callers)
    expect(fates.filter((fate) => fate === 'acknowledged').length).toBeGreaterThan(1000)
    await compare(fates)
    await atRest()
    const client = await pool.connect()
    expect((await client.query('select count(*)::int as n from ledger')).rows[0].n).toBeGreaterThan(
      0,
    )
    client.release()
  },
  patient(60_000),
)

test('a query that was given up on is not run again when its connection is lost', async () => {
  const proxy = await startFaultProxy({ target: cluster.primary })
  open({
    max: 1,
    connectionString: cluster.primary.url().replace(`:${cluster.primary.port}`, `:${proxy.port}`),
  })
  const { heldUp, release } = await lockLedger()
  const given = pool.query({
    text: 'insert into ledger values (1)',
    query_timeout: patient(500),
  } as pg.QueryConfig)
  const givenUp = expect(given).rejects.toThrow('Query read timeout')
  // It may wait for a connection before, which is no part of its own time.
  await heldUp()
  proxy.blackHole('to-client')
  await release()
  await givenUp
  await atRest()
  await proxy.heal()
  expect((await pool.query('select count(*)::int as n from ledger')).rows[0].n).toBeLessThanOrEqual(
    1,
  )
  await pool.$connections.close({ drainTimeoutMs: 0 })
  await proxy.close()
})

test(
  'after a failover queries share connections of the new primary',
  async () => {
    const pair = await startCluster({ standbys: 1, synchronous: true })
    const [standby] = pair.standbys as [PostgresNode]
    await pair.primary.query('create table ledger (id int primary key)')
    const manager = createConnectionManager({
      databaseUrl: pair.primary.url(),
      failoverUrls: [standby.url()],
      shared: true,
      logger: false,
    })
    pool = manager.pool
    const acknowledged = new Set<number>()
    let stopping = false
    let next = 0
    let moved = false
    manager.on('failoverCompleted', () => {
      moved = true
    })
    const callers = Array.from({ length: 20 }, async () => {
      while (!stopping) {
        const id = next
        next += 1
        await pool.query('insert into ledger values ($1)', [id]).then(
          () => acknowledged.add(id),
          () => {},
        )
      }
    })
    await eventually(() => acknowledged.size > 200)
    await pair.primary.stop('immediate')
    await standby.promote()
    await eventually(() => moved)
    const before = acknowledged.size
    await eventually(() => acknowledged.size > before + 200)
    stopping = true
    await Promise.all(callers)
    const rows = await standby.query<{ id: number }>('select id from ledger')
    const found = new Set(rows.map(({ id }) => id))
    expect([...acknowledged].filter((id) => !found.has(id))).toEqual([])
    await atRest()
    await manager.close()
    await pair.stop()
  },
  patient(60_000),
)
