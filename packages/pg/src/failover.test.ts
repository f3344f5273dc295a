import {
  eventually,
  type PostgresCluster,
  type PostgresNode,
  patient,
  startCluster,
} from '@connmgr/testing'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'
import type { PgManagerOptions } from './manager-options.js'

let cluster: PostgresCluster
let manager: PgConnectionManager

async function start(
  options: PgManagerOptions = {},
): Promise<{ primary: PostgresNode; standby: PostgresNode }> {
  cluster = await startCluster({ standbys: 1, synchronous: true })
  const [standby] = cluster.standbys as [PostgresNode]
  await cluster.primary.query('create table ledger (id int)')
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    failoverUrls: [standby.url()],
    logger: false,
    failover: { failbackStableMs: 500, failbackSuccesses: 2 },
    ...options,
  })
  return { primary: cluster.primary, standby }
}

afterEach(async () => {
  await manager.close({ drainTimeoutMs: patient(1000) })
  await cluster.stop()
})

const next = (type: Parameters<PgConnectionManager['on']>[0]) =>
  new Promise<void>((resolve) => {
    const stop = manager.on(type, () => {
      stop()
      resolve()
    })
  })

/** Writers that go on whatever happens, and the answers they got. */
function startWriters() {
  const acknowledged: number[] = []
  const failed: unknown[] = []
  const inFlight = new Set<Promise<void>>()
  let id = 0
  const timer = setInterval(() => {
    id += 1
    const mine = id
    const writing = manager.pool
      .query('insert into ledger values ($1)', [mine])
      .then(
        () => {
          acknowledged.push(mine)
        },
        (error: unknown) => {
          failed.push(error)
        },
      )
      .finally(() => inFlight.delete(writing))
    inFlight.add(writing)
  }, 5)
  return {
    acknowledged,
    failed,
    stop: async () => {
      clearInterval(timer)
      await Promise.all(inFlight)
    },
  }
}

async function expectNothingLost(node: PostgresNode, acknowledged: number[]): Promise<void> {
  const rows = await node.query<{ id: number; copies: number }>(
    'select id, count(*)::int as copies from ledger group by id',
  )
  const copies = new Map(rows.map((row) => [row.id, row.copies]))
  expect(acknowledged.filter((id) => copies.get(id) !== 1)).toEqual([])
  expect(rows.filter((row) => row.copies > 1)).toEqual([])
}

/** What failed had been sent when the server went: of each it is said that its outcome is unknown. */
function expectOnlyInFlight(failed: readonly unknown[]): void {
  expect(failed).toEqual(
    failed.map(() => expect.objectContaining({ code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN' })),
  )
  expect(failed.length).toBeLessThanOrEqual(manager.getPoolMetrics().limit)
}

describe('failover on real servers', () => {
  test('crash and promotion: writers wait and go on, no acknowledged write is lost or doubled, the old primary returns as a reader', async () => {
    const { primary, standby } = await start()
    const writers = startWriters()
    await eventually(() => writers.acknowledged.length > 20)
    const started = next('failoverStarted')
    const completed = next('failoverCompleted')
    await primary.crash()
    await started
    expect((await manager.replica.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    await standby.promote()
    await completed
    const before = writers.acknowledged.length
    await eventually(() => writers.acknowledged.length > before + 20)
    await primary.rebuildAsStandbyOf(standby)
    await eventually(() =>
      manager.getFailoverStatus().endpoints.every((each) => each.state === 'UP'),
    )
    await writers.stop()
    await expectNothingLost(standby, writers.acknowledged)
    expectOnlyInFlight(writers.failed)
    const { rows } = await manager.replica.query('select pg_is_in_recovery() as standby')
    expect(rows).toEqual([{ standby: true }])
    const written = await manager.pool.query('select pg_is_in_recovery() as standby')
    expect(written.rows).toEqual([{ standby: false }])
    expect(manager.getFailoverStatus()).toMatchObject({
      state: 'STEADY',
      failovers: 1,
      activeEndpoint: `127.0.0.1:${standby.port}/postgres`,
    })
  })

  test('a restart of the same primary: callers wait and go on, and no failover is counted', async () => {
    const { primary } = await start()
    const writers = startWriters()
    await eventually(() => writers.acknowledged.length > 20)
    await primary.stop('fast')
    await eventually(() => manager.getFailoverStatus().activeEndpoint === undefined)
    await primary.start()
    const before = writers.acknowledged.length
    await eventually(() => writers.acknowledged.length > before + 20)
    await writers.stop()
    await expectNothingLost(primary, writers.acknowledged)
    expect(manager.getFailoverStatus()).toMatchObject({ failovers: 0, state: 'STEADY' })
  })

  test('all backends terminated: no acquire fails and the pool is back to its size', async () => {
    const { primary } = await start({ poolSize: 3, maxOverflow: 0 })
    await manager.warmUp()
    await primary.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'",
    )
    const results = await Promise.all(
      Array.from({ length: 10 }, () => manager.pool.query('select 1 as n')),
    )
    expect(results.every(({ rows }) => rows[0].n === 1)).toBe(true)
    expect(manager.getPoolMetrics()).toMatchObject({ checkedOut: 0, failedCheckouts: 0 })
    expect(manager.getPoolMetrics().checkedIn).toBeLessThanOrEqual(3)
  })

  test('a frozen primary is given up, what hung on it rejects, and the promoted standby serves', async () => {
    const { primary, standby } = await start()
    await manager.pool.query('select 1')
    const client = await manager.pool.connect()
    await primary.freeze()
    const hanging = client.query('insert into ledger values (-1)')
    await expect(hanging).rejects.toBeDefined()
    client.release()
    const waiting = manager.pool.query('insert into ledger values (1)')
    await standby.promote()
    await waiting
    expect(await standby.query('select id from ledger')).toEqual([{ id: 1 }])
    await primary.crash()
  })

  test('a switchover: what was the primary comes back as a standby and never gets a write', async () => {
    const { primary, standby } = await start()
    await manager.pool.query('insert into ledger values (1)')
    const completed = next('failoverCompleted')
    await primary.stop('fast')
    await standby.promote()
    await completed
    await primary.rebuildAsStandbyOf(standby)
    for (let id = 2; id < 60; id += 1) {
      await manager.pool.query('insert into ledger values ($1)', [id])
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect(manager.getPoolMetrics().failedCheckouts).toBe(0)
  })
})
