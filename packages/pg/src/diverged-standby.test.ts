import { eventually, type PostgresCluster, startCluster } from '@connmgr/testing'
import { createConnectionManager, type PgConnectionManager } from './index.js'

describe('a standby that the promoted one has overtaken in rank, not in what it received', () => {
  let cluster: PostgresCluster
  let manager: PgConnectionManager

  beforeEach(async () => {
    cluster = await startCluster({ standbys: 2 })
    manager = createConnectionManager({
      databaseUrl: cluster.nodes[0]?.url(),
      failoverUrls: cluster.nodes.slice(1).map((node) => node.url()),
      logger: false,
      failover: { failbackStableMs: 500 },
    })
    await manager.start()
  })
  afterEach(async () => {
    await manager.close()
    await cluster.stop()
  })

  const nodes = () => {
    const [a, b, c] = cluster.nodes
    if (a === undefined || b === undefined || c === undefined) throw new Error('three nodes')
    return { a, b, c }
  }
  const stateOf = (port: number) =>
    manager.getFailoverStatus().endpoints.find((each) => each.port === port)?.state

  test('is quarantined, serves no reader, and is back once it has been rebuilt', async () => {
    const { a, b, c } = nodes()
    await manager.pool.query('create table notes (n int)')
    await b.waitForReplay(a)
    await b.stop('fast')
    // Only c receives these, and they never were once b is the primary.
    await manager.pool.query('insert into notes select generate_series(1, 10000)')
    await c.waitForReplay(a)
    await a.crash()
    await b.start()
    await b.promote()
    await eventually(() => stateOf(c.port) === 'QUARANTINED')
    await manager.pool.query('insert into notes values (0)')
    const after = await manager.writeToken()
    for (const options of [{}, { after }]) {
      const lease = await manager.acquire({ target: 'prefer-standby', ...options })
      lease.release()
      expect(lease.endpoint.port).toBe(b.port)
    }
    await c.rebuildAsStandbyOf(b)
    await eventually(() => stateOf(c.port) === 'UP')
    const lease = await manager.acquire({ target: 'standby', after })
    expect((await lease.connection.query('select n from notes')).rows).toEqual([{ n: 0 }])
    lease.release()
  })

  test('one that follows the new timeline serves reads with a token of it', async () => {
    const { a, b, c } = nodes()
    await manager.pool.query('create table notes (n int)')
    await Promise.all([b.waitForReplay(a), c.waitForReplay(a)])
    await a.crash()
    await b.promote()
    await c.query(
      `alter system set primary_conninfo = 'host=127.0.0.1 port=${b.port} user=postgres'`,
    )
    await c.query('select pg_reload_conf()')
    await manager.pool.query('insert into notes values (1)')
    const after = await manager.writeToken()
    expect(after).toMatchObject({ history: '2' })
    const lease = await manager.acquire({ target: 'standby', after })
    expect(lease.endpoint.port).toBe(c.port)
    expect((await lease.connection.query('select n from notes')).rows).toEqual([{ n: 1 }])
    lease.release()
  })
})
