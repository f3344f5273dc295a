import type { MysqlManagerOptions } from '@connmgr/mysql'
import { describeEachProduct, eventually, type MysqlCluster } from '@connmgr/testing'
import { gt, sql } from 'drizzle-orm'
import { int, mysqlTable } from 'drizzle-orm/mysql-core'
import type { ManagedDatabase } from './mysql-types.js'
import { withConnectionManager } from './with-connection-manager.js'

const items = mysqlTable('items', { id: int('id').primaryKey() })

describeEachProduct('a managed drizzle database over mysql2', ({ start }) => {
  let cluster: MysqlCluster
  let db: ManagedDatabase
  const opened: ManagedDatabase[] = []

  function open(options: MysqlManagerOptions = {}): ManagedDatabase {
    db = withConnectionManager(
      {},
      { databaseUrl: cluster.primary.url(), logger: false, ...options },
    )
    opened.push(db)
    return db
  }

  beforeAll(async () => {
    cluster = await start({ replicas: 1, synchronous: true })
    await cluster.primary.query('create table app.items (id int primary key)')
    await cluster.primary.query(
      'insert into app.items with recursive n as (select 1 as id union all select id + 1 from n where id < 1000) select id from n',
    )
  })
  afterEach(async () => {
    await Promise.all(
      opened.splice(0).map((each) => each.$connections.close({ drainTimeoutMs: 0 })),
    )
  })
  afterAll(() => cluster.stop())

  const checkedOut = () => db.$connections.getPoolMetrics().checkedOut

  test('rows are read one by one, and the connection goes back at the end', async () => {
    open({ poolSize: 1, maxOverflow: 0 })
    const ids: number[] = []
    for await (const row of db.select().from(items).orderBy(items.id).iterator()) {
      expect(checkedOut()).toBe(1)
      ids.push(row.id)
    }
    expect(ids).toHaveLength(1000)
    expect([ids[0], ids.at(-1)]).toEqual([1, 1000])
    await eventually(() => checkedOut() === 0)
    expect(await db.$count(items)).toBe(1000)
    expect(db.$connections.getPoolMetrics().totalConnectionsCreated).toBe(1)
  })

  test('who stops in the midst of rows, or fails, leaves no connection behind', async () => {
    open({ poolSize: 1, maxOverflow: 0 })
    for await (const row of db.select().from(items).iterator()) {
      expect(row.id).toBeGreaterThan(0)
      break
    }
    await eventually(() => checkedOut() === 0)
    const failing = async () => {
      for await (const _row of db.select().from(items).iterator()) throw new Error('enough')
    }
    await expect(failing()).rejects.toThrow('enough')
    await eventually(() => checkedOut() === 0)
    expect(await db.$count(items)).toBe(1000)
  })

  test('rows are read one by one in a transaction, too, which goes on after them', async () => {
    open({ poolSize: 1, maxOverflow: 0 })
    const seen = await db.transaction(async (tx) => {
      const ids: number[] = []
      for await (const { id } of tx.select().from(items).where(gt(items.id, 990)).iterator())
        ids.push(id)
      expect(checkedOut()).toBe(1)
      return [ids.length, await tx.$count(items)]
    })
    expect(seen).toEqual([10, 1000])
    expect(checkedOut()).toBe(0)
  })

  test('options of a transaction reach the server, and reach SQL only from a list', async () => {
    open()
    await db.transaction(
      async (tx) => {
        const writing = tx.insert(items).values({ id: 5000 })
        await expect(Promise.resolve(writing)).rejects.toMatchObject({ cause: { errno: 1792 } })
      },
      { isolationLevel: 'read committed', accessMode: 'read only' },
    )
    const harmful = 'serializable; drop table items' as 'serializable'
    for (const config of [
      { isolationLevel: harmful },
      { isolationLevel: 'serializable', accessMode: harmful as 'read only' },
    ] as const)
      await expect(db.transaction(async () => {}, config)).rejects.toMatchObject({
        code: 'CONNMGR_INVALID_OPTION',
      })
    expect(await db.$count(items)).toBe(1000)
    expect(checkedOut()).toBe(0)
  })

  test('what commits by itself in a transaction does not hold its connection', async () => {
    open({ poolSize: 1, maxOverflow: 0 })
    await db.transaction(async (tx) => {
      await tx.execute(sql`create temporary table scratch (id int)`)
      await tx.execute(sql`drop temporary table scratch`)
    })
    expect(checkedOut()).toBe(0)
  })

  // Last, because it changes the cluster.
  test('with replicas reads run there, and writes go on after the primary has crashed', async () => {
    const [replica] = cluster.replicas as [(typeof cluster.replicas)[number]]
    const replicated = withConnectionManager(
      { replicas: true },
      { databaseUrl: cluster.primary.url(), failoverUrls: [replica.url()], logger: false },
    )
    db = replicated.$primary
    opened.push(db)
    const where = { server: sql<number>`@@server_id` }
    expect(await replicated.select(where).from(sql`dual`)).toEqual([{ server: replica.serverId }])
    expect(await replicated.$primary.select(where).from(sql`dual`)).toEqual([
      { server: cluster.primary.serverId },
    ])
    await cluster.primary.crash()
    await eventually(() => db.$connections.getFailoverStatus().state !== 'STEADY')
    // One promise: a drizzle query runs anew each time it is awaited.
    const writing = replicated
      .insert(items)
      .values({ id: 2000 })
      .then(() => 'written')
    await replica.promote()
    expect(await writing).toBe('written')
    expect(await replicated.$primary.select().from(items).where(gt(items.id, 1000))).toEqual([
      { id: 2000 },
    ])
  })
})
