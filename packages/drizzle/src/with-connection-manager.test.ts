import { inspect } from 'node:util'
import { createConnectionManager, ManagedPool, type PgManagerOptions } from '@connmgr/pg'
import { eventually, type PostgresCluster, patient, startCluster } from '@connmgr/testing'
import { eq, relations, sql } from 'drizzle-orm'
import { integer, pgTable, serial, text } from 'drizzle-orm/pg-core'
import type { ManagedDatabase } from './pg-types.js'
import { withConnectionManager } from './with-connection-manager.js'

const users = pgTable('users', {
  id: serial('id').primaryKey(),
  name: text('name').notNull().unique(),
})
const posts = pgTable('posts', {
  id: serial('id').primaryKey(),
  title: text('title').notNull(),
  authorId: integer('author_id').references(() => users.id),
})
const usersRelations = relations(users, ({ many }) => ({ posts: many(posts) }))
const postsRelations = relations(posts, ({ one }) => ({
  author: one(users, { fields: [posts.authorId], references: [users.id] }),
}))
const schema = { users, posts, usersRelations, postsRelations }

let cluster: PostgresCluster
let db: ManagedDatabase<typeof schema>

beforeAll(async () => {
  cluster = await startCluster({ standbys: 1, synchronous: true })
  await cluster.primary.query(`
    create table users (id serial primary key, name text not null unique);
    create table posts (id serial primary key, title text not null, author_id int references users (id))`)
})
afterEach(async () => {
  await db?.$connections.close({ drainTimeoutMs: 0 })
  if (cluster.primary.running) await cluster.primary.query('truncate users, posts restart identity')
})
afterAll(() => cluster.stop())

function open(options: PgManagerOptions = {}): ManagedDatabase<typeof schema> {
  db = withConnectionManager(
    { schema },
    { databaseUrl: cluster.primary.url(), logger: false, ...options },
  )
  return db
}

describe('a managed drizzle database', () => {
  test('runs statements, relational queries and prepared statements on managed connections', async () => {
    open({ poolSize: 2, maxOverflow: 0 })
    const [ada] = await db.insert(users).values({ name: 'Ada' }).returning()
    await db.insert(posts).values({ title: 'Notes', authorId: ada?.id })
    expect(await db.query.users.findMany({ with: { posts: true } })).toEqual([
      { id: 1, name: 'Ada', posts: [{ id: 1, title: 'Notes', authorId: 1 }] },
    ])
    const byName = db
      .select()
      .from(users)
      .where(eq(users.name, sql.placeholder('name')))
      .prepare('by_name')
    for (let i = 0; i < 5; i += 1)
      expect(await byName.execute({ name: 'Ada' })).toEqual([{ id: 1, name: 'Ada' }])
    expect(db.$client).toBeInstanceOf(ManagedPool)
    expect(db.$connections.getPoolMetrics()).toMatchObject({ limit: 2, checkedOut: 0 })
  })

  test('a transaction runs on one connection, and a rollback keeps nothing', async () => {
    open()
    await expect(
      db.transaction(async (tx) => {
        const pids = await Promise.all(
          [1, 2, 3].map(() => tx.execute(sql`select pg_backend_pid() as pid`)),
        )
        expect(new Set(pids.map(({ rows }) => rows[0]?.pid)).size).toBe(1)
        await tx.insert(users).values({ name: 'Nobody' })
        throw new Error('second thoughts')
      }),
    ).rejects.toThrow('second thoughts')
    expect(await db.$count(users)).toBe(0)
    expect(db.$connections.getPoolMetrics().checkedOut).toBe(0)
  })

  test('nested transactions are savepoints, and options reach the server', async () => {
    open()
    await db.transaction(
      async (tx) => {
        expect((await tx.execute(sql`show transaction_isolation`)).rows).toEqual([
          { transaction_isolation: 'serializable' },
        ])
        await tx.insert(users).values({ name: 'kept' })
        await tx
          .transaction(async (inner) => {
            await inner.insert(users).values({ name: 'dropped' })
            throw new Error('inner')
          })
          .catch(() => {})
      },
      { isolationLevel: 'serializable' },
    )
    expect(await db.select({ name: users.name }).from(users)).toEqual([{ name: 'kept' }])
  })

  test('a failed BEGIN leaks nothing', async () => {
    open({ poolSize: 1, maxOverflow: 0 })
    const impossible = { isolationLevel: 'nonsense' as 'serializable' }
    for (let i = 0; i < 3; i += 1)
      await expect(db.transaction(async () => {}, impossible)).rejects.toBeDefined()
    expect(db.$connections.getPoolMetrics().checkedOut).toBe(0)
    expect(await db.$count(users)).toBe(0)
  })

  test('with replicas, reads go to the standby and $primary reads from the primary', async () => {
    const standby = cluster.standbys[0] as (typeof cluster.standbys)[number]
    const replicated = withConnectionManager(
      { schema, replicas: true },
      { databaseUrl: cluster.primary.url(), failoverUrls: [standby.url()], logger: false },
    )
    db = replicated.$primary
    await replicated.insert(users).values({ name: 'Ada' })
    await standby.waitForReplay(cluster.primary)
    const where = { standby: sql<boolean>`pg_is_in_recovery()` }
    expect(await replicated.select(where).from(users)).toEqual([{ standby: true }])
    expect(await replicated.query.users.findMany()).toHaveLength(1)
    expect(await replicated.$primary.select(where).from(users)).toEqual([{ standby: false }])
    expect(replicated.$connections).toBe(db.$connections)
  })

  test('one manager serves drizzle and plain pg', async () => {
    const manager = createConnectionManager({ databaseUrl: cluster.primary.url(), logger: false })
    db = withConnectionManager({ schema }, manager)
    expect(db.$connections).toBe(manager)
    await db.insert(users).values({ name: 'shared' })
    expect((await manager.pool.query('select name from users')).rows).toEqual([{ name: 'shared' }])
  })

  test.each([
    [
      'an unreachable server',
      { databaseUrl: 'postgres://u:s3cr3t@127.0.0.1:1/d', acquireTimeoutMs: patient(200) },
      'CONNMGR_ACQUIRE_TIMEOUT',
    ],
    ['a missing database', {}, 'CONNMGR_CONNECT_FAILED'],
  ])('%s is one clear error', async (_name, options, code) => {
    open({ databaseUrl: cluster.primary.url({ database: 'nope' }), ...options })
    const error = await db
      .select()
      .from(users)
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ cause: { code } })
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('s3cr3t')
  })

  test('what it is printed by shows no password', async () => {
    open({ password: 's3cr3t', name: 'shop' })
    await db.insert(users).values({ name: 'Ada' })
    expect(inspect(db.$client)).toMatch(/^ManagedPool \{\s+target: 'primary',\s+name: 'shop'/)
    expect(inspect([db, db.$client, db.$connections], { depth: 9 })).not.toContain('s3cr3t')
  })

  test('a wrong option is refused at once', () => {
    open()
    expect(() => withConnectionManager({}, { poolsize: 5 } as PgManagerOptions)).toThrow(
      /did you mean "poolSize"/,
    )
    expect(() => withConnectionManager({}, { databaseUrl: 'mysql://u:s3cr3t@h/d' })).toThrow(
      expect.objectContaining({
        code: 'CONNMGR_INVALID_OPTION',
        message: expect.not.stringContaining('s3cr3t'),
      }),
    )
  })

  // Last, because it changes the cluster.
  test('goes on writing after the primary has crashed and the standby was promoted', async () => {
    const standby = cluster.standbys[0] as (typeof cluster.standbys)[number]
    open({ failoverUrls: [standby.url()] })
    await db.insert(users).values({ name: 'before' })
    await cluster.primary.crash()
    // A statement that is sent before the end of its connection is noticed is of unknown outcome, and rejected as such.
    await eventually(() => db.$connections.getFailoverStatus().state !== 'STEADY')
    // One promise: a drizzle query runs anew each time it is awaited.
    const writing = db
      .insert(users)
      .values({ name: 'after' })
      .then(() => 'written')
    await standby.promote()
    expect(await writing).toBe('written')
    expect(await db.select({ name: users.name }).from(users).orderBy(users.id)).toEqual([
      { name: 'before' },
      { name: 'after' },
    ])
  })
})
