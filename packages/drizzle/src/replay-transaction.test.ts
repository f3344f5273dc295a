import {
  eventually,
  type FaultProxy,
  type PostgresCluster,
  startCluster,
  startFaultProxy,
} from '@connmgr/testing'
import { eq, sql } from 'drizzle-orm'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import { catalogRead } from '../../pg/test/known-catalog.js'
import type { ManagedDatabase } from './pg-types.js'
import { replayTransaction } from './replay-transaction.js'
import { withConnectionManager } from './with-connection-manager.js'

const items = pgTable('items', { id: integer('id') })
const schema = { items }

let cluster: PostgresCluster
let proxy: FaultProxy
let db: ManagedDatabase<typeof schema>

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query(`
    create table items (id int);
    create function dawdle() returns trigger language plpgsql as $$
      begin perform pg_sleep(60); return null; end $$;
    create constraint trigger dawdle after insert on items deferrable initially deferred
      for each row when (new.id = 13) execute function dawdle()`)
})
beforeEach(async () => {
  proxy = await startFaultProxy({ target: cluster.primary })
  db = withConnectionManager(
    { schema },
    {
      databaseUrl: cluster.primary.url().replace(`:${cluster.primary.port}`, `:${proxy.port}`),
      logger: false,
    },
  )
})
afterEach(async () => {
  await terminateSleeping()
  await db.$connections.close({ drainTimeoutMs: 0 })
  await proxy.close()
  await cluster.primary.query('truncate items')
})
afterAll(() => cluster.stop())

const terminateSleeping = () =>
  cluster.primary.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'",
  )
const sleeping = () =>
  eventually(
    async () =>
      (await cluster.primary.query("select 1 from pg_stat_activity where wait_event = 'PgSleep'"))
        .length > 0,
  )

test('a transaction is run again whose connection is lost, or that meets a conflict, and written once', async () => {
  const attempts: number[] = []
  const result = await replayTransaction(
    db,
    async (tx, attempt) => {
      attempts.push(attempt)
      await tx.insert(items).values({ id: attempt })
      if (attempt === 1) {
        const hanging = tx.execute(sql`select pg_sleep(60)`).then(() => {})
        await Promise.all([hanging, sleeping().then(() => proxy.reset())])
      }
      if (attempt === 2)
        await tx.execute(sql`do $$ begin raise exception 'no' using errcode = '40001'; end $$`)
      return attempt
    },
    {},
    { isolationLevel: 'serializable' },
  )
  expect(result).toBe(3)
  expect(attempts).toEqual([1, 2, 3])
  expect(await db.select().from(items)).toEqual([{ id: 3 }])
})

test('an error of the work is not repeated as its connection was lost while it was idle', async () => {
  for (const replay of ['safe', 'idempotent'] as const) {
    let attempts = 0
    await expect(
      replayTransaction(
        db,
        async (tx) => {
          attempts += 1
          await tx.insert(items).values({ id: attempts })
          const lost = new Promise<void>((resolve) => {
            const stop = db.$connections.on('connectionClosed', () => {
              stop()
              resolve()
            })
          })
          proxy.reset()
          await lost
          throw new Error('sold out')
        },
        { replay },
      ),
    ).rejects.toThrow('sold out')
    expect(attempts).toBe(1)
  }
  expect(await db.select().from(items)).toEqual([])
})

test('what a transaction is given reaches SQL only from a list', async () => {
  const harmful = 'serializable; drop table items' as 'serializable'
  for (const config of [{ isolationLevel: harmful }, { accessMode: harmful as 'read only' }]) {
    for (const running of [
      db.transaction(async () => {}, config),
      replayTransaction(db, async () => {}, {}, config),
    ])
      await expect(running).rejects.toMatchObject({ code: 'CONNMGR_INVALID_OPTION' })
  }
  await db.transaction(async () => {}, {
    isolationLevel: 'read uncommitted',
    accessMode: 'read only',
  })
  expect(await db.select().from(items)).toEqual([])
})

test('a COMMIT that is cut off is asked for, not repeated', async () => {
  for (const outcome of ['committed', 'unknown'] as const) {
    let attempts = 0
    const running = replayTransaction(
      db,
      async (tx) => {
        attempts += 1
        await tx.insert(items).values({ id: 13 })
        return 'written'
      },
      { outcome: async () => outcome },
    )
    const settled = running.catch((error: unknown) => error)
    await sleeping()
    proxy.reset()
    if (outcome === 'committed') expect(await settled).toBe('written')
    else expect(await settled).toMatchObject({ code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN' })
    expect(attempts).toBe(1)
    await terminateSleeping()
  }
})

test('a prepared statement is prepared anew when its session is gone', async () => {
  const byId = db
    .select()
    .from(items)
    .where(eq(items.id, sql.placeholder('id')))
    .prepare('by_id')
  await db.insert(items).values({ id: 1 })
  for (let round = 0; round < 3; round += 1) {
    expect(await byId.execute({ id: 1 })).toEqual([{ id: 1 }])
    await cluster.primary.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'",
    )
    await eventually(() => db.$connections.getPoolMetrics().checkedIn === 0)
  }
})

test('a statement by itself keeps its code in the cause, and any unit of work can be replayed', async () => {
  const cut = async (running: Promise<unknown>) => {
    const settled = running.catch((error: unknown) => error)
    await sleeping()
    proxy.reset()
    const result = await settled
    await terminateSleeping()
    return result
  }
  expect(await cut(db.execute(sql`insert into items select 1 from pg_sleep(60)`))).toMatchObject({
    cause: { code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN' },
  })
  await catalogRead(db.$connections.pool)
  expect(await cut(db.execute(sql`select pg_sleep(60)`))).toMatchObject({
    cause: { code: 'CONNMGR_CONNECTION_LOST' },
  })
  const replayed = db.$connections.replay(async (attempt) => {
    await db.execute(sql`select pg_sleep(0.3)`)
    return attempt
  })
  expect(await cut(replayed)).toBe(2)
})
