import {
  eventually,
  type FaultProxy,
  type PostgresCluster,
  type PostgresNode,
  patient,
  startCluster,
  startFaultProxy,
} from '@connmgr/testing'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'

/** Names that lead each new connection to a server of one role, and end none, as services of Kubernetes do. */
describe('names for roles in front of a cluster', () => {
  let cluster: PostgresCluster
  let writes: FaultProxy
  let reads: FaultProxy
  let manager: PgConnectionManager

  const urlOf = ({ port }: FaultProxy): string => `postgresql://postgres@127.0.0.1:${port}/postgres`

  beforeEach(async () => {
    cluster = await startCluster({ standbys: 2, synchronous: true })
    const [first] = cluster.standbys as [PostgresNode]
    writes = await startFaultProxy({ target: cluster.primary })
    reads = await startFaultProxy({ target: first })
    manager = createConnectionManager({
      databaseUrl: urlOf(writes),
      failoverUrls: [urlOf(reads)],
      logger: false,
      acquireTimeoutMs: patient(10_000),
    })
    await manager.start()
  })

  afterEach(async () => {
    await manager.close({ drainTimeoutMs: 0 })
    await Promise.all([writes.close(), reads.close()])
    await cluster.stop()
  })

  const port = async (target: 'primary' | 'prefer-standby'): Promise<number> =>
    manager.use(
      async (client) =>
        (await client.query<{ port: number }>('select inet_server_port() as port')).rows[0]?.port ??
        0,
      { target },
    )

  test('writers find the new primary, though connections to it were opened under the name for reads', async () => {
    const [first, second] = cluster.standbys as [PostgresNode, PostgresNode]
    expect(await port('primary')).toBe(cluster.primary.port)
    expect(await port('prefer-standby')).toBe(first.port)
    await cluster.primary.crash()
    await first.promote()
    await second.rebuildAsStandbyOf(first)
    // The connection of the name for reads is to the primary now, and is used before the names have moved.
    expect(await port('primary')).toBe(first.port)
    writes.retarget(first)
    reads.retarget(second)
    manager.clear()
    expect(await port('primary')).toBe(first.port)
    await eventually(async () => (await port('prefer-standby')) === second.port)
    expect(await port('primary')).toBe(first.port)
  })
})
