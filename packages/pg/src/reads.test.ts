import { WriteToken } from '@connmgr/core'
import { eventually, type PostgresCluster, patient, startCluster } from '@connmgr/testing'
import type { Client } from 'pg'
import {
  createConnectionManager,
  type PgConnectionManager,
  type PgManagerOptions,
} from './index.js'

describe('reading what was written', () => {
  let cluster: PostgresCluster
  let manager: PgConnectionManager

  beforeAll(async () => {
    cluster = await startCluster({ standbys: 1 })
    await cluster.primary.query('create table notes (id int primary key)')
    await cluster.standbys[0]?.waitForReplay(cluster.primary)
  })
  afterEach(() => manager.close())
  afterAll(() => cluster.stop())

  async function start(options: PgManagerOptions = {}): Promise<void> {
    manager = createConnectionManager({
      databaseUrl: cluster.nodes[0]?.url(),
      failoverUrls: [cluster.nodes[1]?.url() as string],
      logger: false,
      catchUpWaitMs: patient(6000),
      ...options,
    })
    await manager.start()
  }

  let lastId = 0
  async function write(): Promise<number> {
    lastId += 1
    await manager.pool.query('insert into notes values ($1)', [lastId])
    return lastId
  }

  /** From then on the standby's readers see nothing new. */
  const pause = () => cluster.standbys[0]?.query('select pg_wal_replay_pause()')
  const resume = () => cluster.standbys[0]?.query('select pg_wal_replay_resume()')

  /** Starts a read while the standby does not show yet what it asks for, which it then does. */
  async function resumingFor<T>(read: () => Promise<T>): Promise<T> {
    const reading = read()
    await resume()
    return reading
  }

  /** Whether a row is there, and whether a standby says so. */
  async function look(client: Client, id: number): Promise<{ found: boolean; standby: boolean }> {
    const { rows } = await client.query<{ found: boolean; standby: boolean }>(
      'select exists (select from notes where id = $1) as found, pg_is_in_recovery() as standby',
      [id],
    )
    return rows[0] as (typeof rows)[0]
  }

  test('without a token a standby does not show it yet; with one it does, and so do all later reads', async () => {
    await start()
    await pause()
    const id = await write()
    const after = String(await manager.writeToken())
    const read = (options: { after?: string }) =>
      manager.use((client) => look(client, id), { target: 'prefer-standby', ...options })
    expect(await read({})).toEqual({ found: false, standby: true })
    expect(await resumingFor(() => read({ after }))).toEqual({ found: true, standby: true })
    expect(await read({})).toEqual({ found: true, standby: true })
    expect(manager.getPoolMetrics().checkedOut).toBe(0)
  })

  test('a standby that takes too long is left for the writer', async () => {
    await start({ catchUpWaitMs: 20 })
    await pause()
    const id = await write()
    const after = await manager.writeToken()
    expect(
      await manager.transaction((client) => look(client, id), {
        target: 'prefer-standby',
        readOnly: true,
        after,
      }),
    ).toEqual({ found: true, standby: false })
    await resume()
  })

  test("target 'standby' waits longer, and at its deadline says what for", async () => {
    // A question that takes longer costs the connection, and the next one would be waited for instead.
    await start({ catchUpWaitMs: patient(200) })
    const warm = await manager.acquire({ target: 'standby' })
    warm.release()
    await pause()
    const id = await write()
    const after = await manager.writeToken()
    // Long enough for a connect of a process that stalls: what is to be seen comes after it.
    const acquiring = manager.acquire({ target: 'standby', after, timeoutMs: patient(1000) })
    await expect(acquiring).rejects.toMatchObject({
      code: 'CONNMGR_ACQUIRE_TIMEOUT',
      phase: 'catch-up',
    })
    const use = () => manager.use((client) => look(client, id), { target: 'standby', after })
    expect(await resumingFor(use)).toEqual({ found: true, standby: true })
  })

  test('a paused replay holds no reader up for longer than catchUpWaitMs', async () => {
    await start({ catchUpWaitMs: 50 })
    await pause()
    const id = await write()
    const after = await manager.writeToken()
    const seen = await Promise.all(
      Array.from({ length: 20 }, () =>
        manager.use((client) => look(client, id), { target: 'prefer-standby', after }),
      ),
    )
    await resume()
    expect(seen.every(({ found, standby }) => found && !standby)).toBe(true)
  })

  test('it is seen also if the transaction did not wait for its record to be written out', async () => {
    await start({ clientConfig: { options: '-c synchronous_commit=off' } })
    for (let round = 0; round < 3; round += 1) {
      await pause()
      const id = await write()
      const after = await manager.writeToken()
      const use = () => manager.use((client) => look(client, id), { target: 'standby', after })
      expect(await resumingFor(use)).toEqual({ found: true, standby: true })
    }
  })

  test('a position at the start of a page, whose header no standby replays yet, is not waited for', async () => {
    await start()
    // Ends the segment: the next record stands behind the header of the next one.
    await cluster.primary.query('select pg_switch_wal()')
    const after = await manager.writeToken()
    const lease = await manager.acquire({ target: 'standby', after, timeoutMs: patient(10_000) })
    lease.release()
    expect(lease.endpoint.port).toBe(cluster.standbys[0]?.port)
  })

  test('a session sees its own writes through both pools, shared or not', async () => {
    for (const shared of [false, true]) {
      await start({ shared })
      const count = async () => {
        const sql = 'select count(*)::int as n, pg_is_in_recovery() as standby from notes'
        return (await manager.replica.query(sql)).rows[0]
      }
      const { n } = await count()
      const inside = await manager.withSession(async (session) => {
        await pause()
        await write()
        const seen = await resumingFor(count)
        expect(await session.writeToken()).toBeInstanceOf(WriteToken)
        return seen
      })
      expect(inside).toEqual({ n: n + 1, standby: true })
      expect(await manager.withSession(count)).toEqual({ n: n + 1, standby: true })
      if (!shared) await manager.close()
    }
  })

  test('a session with stickyReadsMs reads from the writer at once', async () => {
    await start({ stickyReadsMs: 60_000 })
    await manager.withSession(async () => {
      const id = await write()
      const seen = await manager.use((client) => look(client, id), { target: 'prefer-standby' })
      expect(seen).toEqual({ found: true, standby: false })
    })
  })

  test('what is behind a role that may not ask for the position is reported, and sessions still see their writes', async () => {
    await cluster.primary.query(`create role plain login`)
    await cluster.primary.query(
      `grant insert, select on notes to plain;
       revoke execute on function pg_current_wal_insert_lsn() from public`,
    )
    await start({
      databaseUrl: cluster.nodes[0]?.url({ user: 'plain' }),
      failoverUrls: [cluster.nodes[1]?.url({ user: 'plain' }) as string],
    })
    await expect(manager.writeToken()).rejects.toMatchObject({ code: 'CONNMGR_UNSUPPORTED' })
    await manager.withSession(async () => {
      const id = await write()
      const seen = await manager.use((client) => look(client, id), { target: 'prefer-standby' })
      expect(seen).toEqual({ found: true, standby: false })
    })
    await cluster.primary.query('grant execute on function pg_current_wal_insert_lsn() to public')
  })

  test('a token from before a failover leads to the writer, one from after it to a standby', async () => {
    await start()
    const [primary, standby] = cluster.nodes
    if (primary === undefined || standby === undefined) throw new Error('the cluster has two nodes')
    const id = await write()
    const before = String(await manager.writeToken())
    await standby.waitForReplay(primary)
    await primary.crash()
    await standby.promote()
    await eventually(() => manager.getFailoverStatus().failovers === 1)
    const read = (after: WriteToken | string) =>
      manager.use((client) => look(client, id), { target: 'prefer-standby', after })
    expect(await read(before)).toEqual({ found: true, standby: false })
    await primary.rebuildAsStandbyOf(standby)
    await manager.close()
    await start()
    expect(await read(before)).toEqual({ found: true, standby: false })
    expect(await read(await manager.writeToken())).toEqual({ found: true, standby: true })
  })
})
