import {
  describeEachProduct,
  eventually,
  type MysqlCluster,
  type MysqlNode,
  patient,
} from '@connmgr/testing'
import type { Pool } from 'mysql2'
import { ask, borrow } from '../test/asking.js'
import type { MysqlConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'
import type { MysqlManagerOptions } from './manager-options.js'

describeEachProduct('failover', ({ product, start: startServers }) => {
  const { replica: word } = product.replication
  let cluster: MysqlCluster
  let manager: MysqlConnectionManager

  const pool = (): Pool => manager.pool as unknown as Pool

  async function start(
    options: MysqlManagerOptions = {},
  ): Promise<{ primary: MysqlNode; replica: MysqlNode }> {
    cluster = await startServers({ replicas: 1, synchronous: true })
    const { primary } = cluster
    const [replica] = cluster.replicas as [MysqlNode]
    await primary.query('create table ledger (id int) engine=innodb')
    await replica.waitForReplay(primary)
    manager = createConnectionManager({
      databaseUrl: primary.url(),
      failoverUrls: [replica.url()],
      logger: false,
      failover: { failbackStableMs: 500, failbackSuccesses: 2 },
      ...options,
    })
    return { primary, replica }
  }

  afterEach(async () => {
    await manager.close({ drainTimeoutMs: patient(1000) })
    await cluster.stop()
  })

  const next = (type: Parameters<MysqlConnectionManager['on']>[0]) =>
    new Promise<void>((resolve) => {
      const stop = manager.on(type, () => {
        stop()
        resolve()
      })
    })

  /** Writers that go on whatever happens, and what they were told. */
  function startWriters() {
    const acknowledged: number[] = []
    const failed: unknown[] = []
    const inFlight = new Set<Promise<void>>()
    let id = 0
    const timer = setInterval(() => {
      id += 1
      const mine = id
      const writing = ask(pool(), 'insert into ledger values (?)', [mine])
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

  async function expectNothingLost(node: MysqlNode, acknowledged: number[]): Promise<void> {
    const rows = await node.query<{ id: number; copies: number }>(
      'select id, count(*) as copies from ledger group by id',
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

  const serverOf = async (of: Pool): Promise<unknown> =>
    (await ask(of, 'select @@server_id as id'))[0]?.id

  test('crash and promotion: writers wait and go on, no acknowledged write is lost or doubled, the old primary returns as a reader', async () => {
    const { primary, replica } = await start()
    const writers = startWriters()
    await eventually(() => writers.acknowledged.length > 20)
    const started = next('failoverStarted')
    const completed = next('failoverCompleted')
    await primary.crash()
    await started
    expect(await serverOf(manager.replica as unknown as Pool)).toBe(replica.serverId)
    await replica.promote()
    await completed
    const before = writers.acknowledged.length
    await eventually(() => writers.acknowledged.length > before + 20)
    await primary.rebuildAsReplicaOf(replica)
    await eventually(() =>
      manager.getFailoverStatus().endpoints.every((each) => each.state === 'UP'),
    )
    await writers.stop()
    await expectNothingLost(replica, writers.acknowledged)
    expectOnlyInFlight(writers.failed)
    await eventually(
      async () => (await serverOf(manager.replica as unknown as Pool)) === primary.serverId,
    )
    expect(await serverOf(pool())).toBe(replica.serverId)
    expect(manager.getFailoverStatus()).toMatchObject({
      state: 'STEADY',
      failovers: 1,
      activeEndpoint: `127.0.0.1:${replica.port}/app`,
    })
  })

  test('a restart of the same primary: callers wait and go on, and no failover is counted', async () => {
    const { primary } = await start()
    const writers = startWriters()
    await eventually(() => writers.acknowledged.length > 20)
    await primary.stop()
    await eventually(() => manager.getFailoverStatus().activeEndpoint === undefined)
    await primary.start()
    const before = writers.acknowledged.length
    await eventually(() => writers.acknowledged.length > before + 20)
    await writers.stop()
    await expectNothingLost(primary, writers.acknowledged)
    expect(manager.getFailoverStatus()).toMatchObject({ failovers: 0, state: 'STEADY' })
  })

  test('a switchover: what was the primary refuses writes, and callers find the new one', async () => {
    const { primary, replica } = await start()
    const writers = startWriters()
    await eventually(() => writers.acknowledged.length > 20)
    await primary.demote()
    await replica.waitForReplay(primary)
    await replica.promote()
    await primary.rejoin(replica)
    const before = writers.acknowledged.length
    await eventually(() => writers.acknowledged.length > before + 20)
    await writers.stop()
    await expectNothingLost(replica, writers.acknowledged)
    expect(await serverOf(pool())).toBe(replica.serverId)
  })

  test('all sessions killed: no acquire fails and the pool is back to its size', async () => {
    const { primary } = await start({ poolSize: 3, maxOverflow: 0 })
    await manager.warmUp()
    await primary.killConnections('app')
    const results = await Promise.all(
      Array.from({ length: 10 }, () => ask(pool(), 'select 1 as one')),
    )
    expect(results.every(([row]) => row?.one === 1)).toBe(true)
    expect(manager.getPoolMetrics()).toMatchObject({ checkedOut: 0, failedCheckouts: 0 })
  })

  test('a frozen primary is given up, what hung on it rejects, and the promoted replica serves', async () => {
    const { primary, replica } = await start()
    await ask(pool(), 'select 1')
    const connection = await borrow(pool())
    await primary.freeze()
    const hanging = ask(connection, 'insert into ledger values (-1)')
    await expect(hanging).rejects.toBeDefined()
    connection.release()
    const waiting = ask(pool(), 'insert into ledger values (1)')
    await replica.promote()
    await waiting
    expect(await replica.query('select id from ledger')).toEqual([{ id: 1 }])
    await primary.crash()
  })

  test('an old primary that comes back without read_only gets no writes', async () => {
    const { primary, replica } = await start()
    await ask(pool(), 'insert into ledger values (1)')
    const completed = next('failoverCompleted')
    await primary.crash()
    await replica.promote()
    await completed
    await ask(pool(), 'insert into ledger values (2)')
    await primary.start({ readOnly: false })
    await eventually(() =>
      manager
        .getFailoverStatus()
        .endpoints.some(
          (each) => each.id.includes(String(primary.port)) && each.role === 'primary',
        ),
    )
    for (let id = 3; id < 30; id += 1) await ask(pool(), 'insert into ledger values (?)', [id])
    expect(await replica.query('select count(*) as n from ledger')).toEqual([{ n: 29 }])
  })

  test('a manager that is new finds of two that write the one that has gone on', async () => {
    const { primary, replica } = await start()
    await ask(pool(), 'insert into ledger values (1)')
    await primary.crash()
    await replica.promote()
    await replica.query('insert into ledger values (2)')
    await primary.start({ readOnly: false })
    await manager.close({ drainTimeoutMs: 0 })
    manager = createConnectionManager({
      databaseUrl: primary.url(),
      failoverUrls: [replica.url()],
      logger: false,
    })
    expect(await serverOf(pool())).toBe(replica.serverId)
  })

  test('a read that must see a write waits for the replica, or goes to the writer', async () => {
    const { primary, replica } = await start({
      catchUpWaitMs: patient(3000),
      acquireTimeoutMs: patient(15_000),
    })
    await manager.start()
    const read = async (after: string, id: number): Promise<unknown> =>
      manager.use(
        async (connection) =>
          (
            await ask(
              connection,
              'select @@server_id as server, exists (select 1 from ledger where id = ?) as found',
              [id],
            )
          )[0],
        { target: 'prefer-standby', after },
      )
    await ask(pool(), 'insert into ledger values (1)')
    expect(await read(String(await manager.writeToken()), 1)).toEqual({
      server: replica.serverId,
      found: 1,
    })
    // What was received is not applied any more.
    await replica.query(`stop ${word} sql_thread`)
    await ask(pool(), 'insert into ledger values (2)')
    const after = String(await manager.writeToken())
    const reading = read(after, 2)
    await replica.query(`start ${word} sql_thread`)
    expect(await reading).toEqual({ server: replica.serverId, found: 1 })
    await replica.query(`stop ${word} sql_thread`)
    await ask(pool(), 'insert into ledger values (3)')
    expect(await read(String(await manager.writeToken()), 3)).toEqual({
      server: primary.serverId,
      found: 1,
    })
    await replica.query(`start ${word} sql_thread`)
  })
})
