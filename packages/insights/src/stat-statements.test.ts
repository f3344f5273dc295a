import { withConnectionManager as drizzleOn } from '@connmgr/drizzle'
import {
  createConnectionManager,
  type PgConnectionManager,
  type PgManagerOptions,
} from '@connmgr/pg'
import { withConnectionManager as prismaOn } from '@connmgr/prisma'
import { type PostgresCluster, RecordedQueries, startCluster } from '@connmgr/testing'
import { withConnectionManager as typeormOn } from '@connmgr/typeorm'
import { and, eq, gt, inArray, sql } from 'drizzle-orm'
import { boolean, integer, pgTable, serial, text } from 'drizzle-orm/pg-core'
import Cursor from 'pg-cursor'
import { PrismaClient } from '../../prisma/test/generated/client.js'
import { Random } from '../test/corpus/random.js'
import {
  openPrisma,
  openTypeorm,
  RECORDED_TABLES,
  type RecordedLibrary,
} from '../test/corpus/recorded.js'
import { compareCounts, resetCounts } from '../test/stat-statements.js'
import { insights } from './index.js'

const SEED = 20_261_128
const RUNS = 60
const CALLERS = 4

/** What callers ask about: the engine's own questions are about catalogs and its session. */
const OF_CALLERS = /"(?:Post|User)"|generate_series/

/** The engine has transactions of its own. */
const ENDS_TRANSACTION = /^(?:commit|rollback)$/i

let cluster: PostgresCluster
beforeAll(async () => {
  cluster = await startCluster({
    settings: {
      shared_preload_libraries: 'pg_stat_statements',
      'pg_stat_statements.max': '10000',
      'pg_stat_statements.track_planning': 'on',
    },
  })
  await cluster.primary.query('create extension pg_stat_statements')
  for (const each of RECORDED_TABLES) await cluster.primary.query(each)
})
afterAll(() => cluster?.stop())

const posts = pgTable('Post', {
  id: serial('id').primaryKey(),
  title: text('title').notNull(),
  published: boolean('published').notNull(),
  authorId: integer('authorId').notNull(),
})

function openDrizzle(manager: PgConnectionManager): RecordedLibrary {
  const db = drizzleOn({}, manager)
  const ids = (random: Random) => random.list(1, 8, () => random.integer(1, 20))
  return {
    name: 'Drizzle',
    run: async (random) =>
      random.pick<() => PromiseLike<unknown>>([
        () =>
          db
            .select()
            .from(posts)
            .where(inArray(posts.id, ids(random))),
        () => db.$count(posts, gt(posts.id, random.integer(1, 9))),
        () =>
          db
            .insert(posts)
            .values(ids(random).map((authorId) => ({ title: 'd', published: true, authorId }))),
        () =>
          db
            .update(posts)
            .set({ published: sql`not ${posts.published}` })
            .where(eq(posts.id, random.integer(1, 20)))
            .returning(),
        () => db.delete(posts).where(and(gt(posts.id, 1_000_000), eq(posts.published, true))),
        () =>
          db.transaction(async (tx) => {
            await tx.select().from(posts).limit(random.integer(1, 5))
            await tx.transaction((inner) =>
              inner.update(posts).set({ title: 'nested' }).where(eq(posts.id, 3)),
            )
          }),
      ])(),
    close: async () => {},
  }
}

/** What a program may do with the pool itself, its failures included. */
function openPool(manager: PgConnectionManager): RecordedLibrary {
  const { pool } = manager
  const fails = async (work: () => Promise<unknown>): Promise<void> => {
    await expect(work()).rejects.toBeDefined()
  }
  return {
    name: 'pg',
    run: (random) =>
      random.pick<() => Promise<unknown>>([
        () => pool.query('select * from "Post" where id = $1', [random.integer(1, 30)]),
        () =>
          pool.query(`select id from "Post" where id in (${random.integer(1, 9)}, 3, 4) -- now`),
        () =>
          pool.query({
            name: 'by author',
            text: 'select * from "Post" where "authorId" = $1',
            values: [3],
          }),
        () =>
          pool.query('update "Post" set published = false where id < $1', [random.integer(1, 9)]),
        () => pool.query('insert into "User" (email) values ($1) on conflict do nothing', ['u1']),
        () =>
          pool.query(
            'with old as (select id from "Post" where id > 9000) delete from "Post" p using old where p.id = old.id',
          ),
        () => fails(() => pool.query('select no_such_column from "Post"')),
        () => fails(() => pool.query('select 1 / $1::int as quotient', [0])),
        () => fails(() => pool.query(`insert into "User" (email) values ('u1')`)),
        () =>
          manager.transaction(async (client) => {
            await client.query('select * from "User" order by id limit 3')
            await client.query(`update "User" set name = 'x' where id = 1`)
          }),
        () =>
          fails(() =>
            manager.transaction(async (client) => {
              await client.query('select * from "User" where id = 2')
              await client.query('select broken')
            }),
          ),
        () => replayed(manager),
        () =>
          manager.use(async (client) => {
            const cursor = client.query(new Cursor('select * from generate_series(1, 25) n'))
            let rows = 0
            for (let read = await cursor.read(10); read.length > 0; read = await cursor.read(10))
              rows += read.length
            await cursor.close()
            expect(rows).toBe(25)
          }),
      ])(),
    close: async () => {},
  }
}

/** A transaction whose first attempt the server refuses as it would a conflict. */
async function replayed(manager: PgConnectionManager): Promise<void> {
  let attempts = 0
  await manager.transaction(
    async (client) => {
      attempts += 1
      await client.query('select count(*) from "User"')
      if (attempts === 1)
        await client.query(`do $$ begin raise 'conflict' using errcode = '40001'; end $$`)
    },
    { replay: 'safe' },
  )
  expect(attempts).toBe(2)
}

describe.each<[string, Partial<PgManagerOptions>]>([
  ['as it is', {}],
  ['without preparing', { preparedStatements: 'off' }],
  ['with shared connections', { shared: true }],
  ['with shared connections, without preparing', { shared: true, preparedStatements: 'off' }],
])('a manager %s', (_name, options) => {
  let manager: PgConnectionManager

  beforeEach(async () => {
    manager = createConnectionManager({
      databaseUrl: cluster.primary.url(),
      logger: false,
      poolSize: CALLERS,
      ...options,
    })
    await manager.ready()
  })
  afterEach(() => manager.close())

  test('counts calls, rows and errors as pg_stat_statements does, and no less time', async () => {
    const libraries = [
      openPool(manager),
      openDrizzle(manager),
      await openTypeorm(typeormOn({ type: 'postgres' }, manager)),
      await openPrisma(prismaOn(PrismaClient, manager)),
    ]
    // It asks the server by itself, if a statement takes long.
    const watched = insights(manager, { maxFingerprints: 5000, blockingMs: false })
    const recorded = new RecordedQueries((query) => query.manager === manager.id)
    await resetCounts(cluster.primary)
    await Promise.all(
      Array.from({ length: CALLERS }, async (_each, caller) => {
        const random = new Random(SEED + caller)
        for (let run = 0; run < RUNS; run += 1) await random.pick(libraries).run(random)
      }),
    )
    recorded.stop()
    const snapshot = watched.snapshot()
    for (const library of libraries) await library.close()
    await watched.close()

    const groups = await compareCounts(cluster.primary, snapshot, recorded.all)
    const seen = groups.filter(({ ours }) => ours.calls > 0)
    expect(seen.length).toBeGreaterThan(50)
    expect(snapshot.totals.errors).toBeGreaterThan(10)
    expect(
      seen.filter(({ ours, server, texts }) =>
        texts.every((each) => ENDS_TRANSACTION.test(each))
          ? server.calls < ours.calls
          : ours.calls !== server.calls || ours.rows !== server.rows,
      ),
    ).toEqual([])
    // Callers share a connection by sending before the answers of others have come: those that come together tell only
    // when the last of them was ready.
    const waits = options.shared === true ? 1 : 0
    expect(seen.filter(({ ours, server }) => ours.ms + waits * ours.waitMs < server.ms)).toEqual([])
    const others = groups.filter(({ ours, server }) => ours.calls === 0 && server.calls > 0)
    expect(others.flatMap(({ texts }) => texts).filter((each) => OF_CALLERS.test(each))).toEqual([])
  })
})

test('the time in which a statement waits for a connection is not the time that it runs', async () => {
  const manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    logger: false,
    poolSize: 1,
    maxOverflow: 0,
  })
  try {
    const { pool } = manager
    await pool.query('select 1')
    const watched = insights(manager)
    const recorded = new RecordedQueries((query) => query.manager === manager.id)
    await resetCounts(cluster.primary)
    const startedAt = performance.now()
    await Promise.all(Array.from({ length: 10 }, () => pool.query('select pg_sleep(0.02)')))
    const elapsedMs = performance.now() - startedAt
    recorded.stop()
    const groups = await compareCounts(cluster.primary, watched.snapshot(), recorded.all)
    const sleeps = groups.find(({ ours }) => ours.calls > 0)
    expect(sleeps).toMatchObject({ ours: { calls: 10 }, server: { calls: 10 } })
    const [stats] = watched.top()
    // One after another on one connection: together they ran no longer than it took, and waited for one another.
    expect(sleeps?.ours.ms).toBeGreaterThanOrEqual(sleeps?.server.ms ?? 0)
    expect(stats?.run.totalMs).toBeLessThanOrEqual(elapsedMs)
    expect(stats?.wait.totalMs).toBeGreaterThanOrEqual(20 * ((10 * 9) / 2))
    await watched.close()
  } finally {
    await manager.close()
  }
})
