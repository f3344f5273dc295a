import * as drizzle from '@connmgr/drizzle'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import * as prisma from '@connmgr/prisma'
import { eventually, type PostgresCluster, patient, startCluster } from '@connmgr/testing'
import * as typeorm from '@connmgr/typeorm'
import { eq, sql } from 'drizzle-orm'
import { pgTable, serial, text } from 'drizzle-orm/pg-core'
import { DataSource, EntitySchema } from 'typeorm'
import { PrismaClient } from '../../prisma/test/generated/client.js'
import { lineOf } from '../test/planted.js'
import { POSTS_TABLES, Post, posts } from '../test/posts.js'
import { expectNoNPlusOne, type Insights, insights, type NPlusOneError } from './index.js'

const USERS = 12
/** Longer than a busy machine keeps a process waiting. */
const HELD_IDLE_MS = patient(500)

/** One ORM, with each trouble planted on a marked line. */
interface Subject {
  /** Reads the posts of each user with a statement of their own. */
  repeat(): Promise<unknown>
  /** Reads the same with as many statements as it takes. */
  join(): Promise<unknown>
  /** Updates a row, then awaits something else inside of the transaction. */
  holdIdle(elsewhere: () => Promise<void>): Promise<unknown>
  /** Updates a row and keeps its lock until `release`. @param locked called once it has the lock */
  lock(locked: () => void, release: Promise<void>): Promise<unknown>
  /** Updates the same row. */
  wait(): Promise<unknown>
  close(): Promise<unknown>
}

const User = new EntitySchema<{ id: number; email: string }>({
  name: 'User',
  tableName: 'User',
  columns: { id: { type: Number, primary: true, generated: true }, email: { type: String } },
})

async function openTypeorm(manager: PgConnectionManager): Promise<Subject> {
  const dataSource = await new DataSource(
    typeorm.withConnectionManager({ type: 'postgres', entities: [User, Post] }, manager),
  ).initialize()
  const users = dataSource.getRepository(User)
  const posts = dataSource.getRepository(Post)
  return {
    async repeat() {
      for (const user of await users.find()) await posts.findBy({ authorId: user.id }) // MARK: typeorm repeats
    },
    async join() {
      const all = await users.find()
      await posts
        .createQueryBuilder('p')
        .where('p.authorId in (:...ids)', { ids: all.map(({ id }) => id) })
        .getMany()
    },
    holdIdle: (elsewhere) =>
      dataSource.transaction(async (entities) => {
        await entities.update(Post, 1, { title: 'held' }) // MARK: typeorm holds
        await elsewhere()
      }),
    lock: (locked, release) =>
      dataSource.transaction(async (entities) => {
        await entities.update(Post, 2, { title: 'locked' }) // MARK: typeorm locks
        locked()
        await release
      }),
    async wait() {
      await posts.update(2, { title: 'waits' }) // MARK: typeorm waits
    },
    close: () => dataSource.destroy(),
  }
}

async function openPrisma(manager: PgConnectionManager): Promise<Subject> {
  const client = prisma.withConnectionManager(PrismaClient, manager)
  return {
    async repeat() {
      for (const user of await client.user.findMany())
        await client.post.findMany({ where: { authorId: user.id } }) // MARK: prisma repeats
    },
    join: () => client.user.findMany({ include: { posts: true } }),
    holdIdle: (elsewhere) =>
      client.$transaction(
        async (tx) => {
          await tx.post.update({ where: { id: 1 }, data: { title: 'held' } }) // MARK: prisma holds
          await elsewhere()
        },
        { timeout: 60_000 },
      ),
    lock: (locked, release) =>
      client.$transaction(
        async (tx) => {
          await tx.post.update({ where: { id: 2 }, data: { title: 'locked' } }) // MARK: prisma locks
          locked()
          await release
        },
        { timeout: 60_000 },
      ),
    async wait() {
      await client.post.updateMany({ where: { id: 2 }, data: { title: 'waits' } }) // MARK: prisma waits
    },
    close: () => client.$disconnect(),
  }
}

async function openDrizzle(manager: PgConnectionManager): Promise<Subject> {
  const users = pgTable('User', { id: serial('id').primaryKey(), email: text('email') })
  const db = drizzle.withConnectionManager({}, manager)
  return {
    async repeat() {
      for (const user of await db.select().from(users))
        await db.select().from(posts).where(eq(posts.authorId, user.id)) // MARK: drizzle repeats
    },
    join: async () => db.select().from(users).leftJoin(posts, eq(posts.authorId, users.id)),
    holdIdle: (elsewhere) =>
      db.transaction(async (tx) => {
        await tx.update(posts).set({ title: 'held' }).where(eq(posts.id, 1)) // MARK: drizzle holds
        await elsewhere()
      }),
    lock: (locked, release) =>
      db.transaction(async (tx) => {
        await tx.update(posts).set({ title: 'locked' }).where(eq(posts.id, 2)) // MARK: drizzle locks
        locked()
        await release
      }),
    async wait() {
      await db.update(posts).set({ title: sql`'waits'` }).where(eq(posts.id, 2)) // MARK: drizzle waits
    },
    close: async () => {},
  }
}

let cluster: PostgresCluster
beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query(POSTS_TABLES)
  await cluster.primary.query(
    `insert into "User" (email) select 'u' || n from generate_series(1, ${USERS}) n`,
  )
  await cluster.primary.query(
    `insert into "Post" (title, "authorId") select 'p' || n, n from generate_series(1, ${USERS}) n`,
  )
})
afterAll(() => cluster.stop())

describe.each([
  ['typeorm', openTypeorm],
  ['prisma', openPrisma],
  ['drizzle', openDrizzle],
] as const)('%s', (name, open) => {
  const at = (mark: string) => ({ file: __filename, line: lineOf(__filename, `${name} ${mark}`) })
  let manager: PgConnectionManager
  let watched: Insights
  let subject: Subject

  beforeEach(async () => {
    manager = createConnectionManager({ databaseUrl: cluster.primary.url(), logger: false })
    subject = await open(manager)
    watched = insights(manager, { heldIdleMs: HELD_IDLE_MS, blockingMs: 100, slowMs: 60_000 })
  })
  afterEach(async () => {
    await subject.close()
    await watched.close()
    await manager.close({ drainTimeoutMs: 0 })
  })

  /** The troubles that are seen, other than of one kind. */
  function others(of: 'nPlusOne' | 'heldIdle' | 'blocking'): readonly unknown[] {
    const all: Record<string, readonly unknown[]> = {
      nPlusOne: watched.nPlusOne(),
      heldIdle: watched.heldIdle(),
      blocking: watched.blocking(),
    }
    return Object.entries(all).flatMap(([kind, found]) => (kind === of ? [] : found))
  }

  test.each(['within a request', 'in a script'])('N+1 is named by its line, %s', async (where) => {
    await (where === 'in a script' ? subject.repeat() : watched.scope(() => subject.repeat()))
    expect(watched.nPlusOne()).toMatchObject([
      { site: at('repeats'), maxRepeats: USERS, contexts: 1 },
    ])
    expect(watched.nPlusOne()[0]?.text).toContain('"Post"')
    expect(others('nPlusOne')).toEqual([])
  })

  test('the same read with a join is no N+1, however often', async () => {
    for (let done = 0; done < 20; done += 1) await watched.scope(() => subject.join())
    for (let done = 0; done < 20; done += 1) await subject.join()
    expect(watched.nPlusOne()).toEqual([])
    expect(others('nPlusOne')).toEqual([])
  })

  test('expectNoNPlusOne names statement, count, file and line', async () => {
    const error = await expectNoNPlusOne(() => subject.repeat()).catch((reason) => reason)
    const { file, line } = at('repeats')
    expect(error).toMatchObject({ name: 'NPlusOneError', code: 'CONNMGR_N_PLUS_ONE' })
    expect((error as NPlusOneError).message).toContain(`${USERS} times`)
    expect((error as NPlusOneError).message).toContain(`${file}:${line}`)
    expect((error as NPlusOneError).message).toContain('"Post"')
    await expectNoNPlusOne(() => subject.join())
  })

  test('a connection that is held idle in a transaction is named by its holder', async () => {
    await subject.join()
    await subject.holdIdle(() => new Promise((resolve) => setTimeout(resolve, HELD_IDLE_MS * 1.5)))
    const held = watched.heldIdle()
    expect(held).toHaveLength(1)
    expect(held[0]).toMatchObject({
      site: { file: __filename },
      exceeded: 1,
      exceededInTransaction: 1,
      longestGap: { inTransaction: true, after: { site: at('holds') } },
    })
    expect(held[0]?.longestGap?.durationMs).toBeGreaterThan(HELD_IDLE_MS)
    expect(others('heldIdle')).toEqual([])
  })

  test('who waits for a lock and who holds it are named by their lines', async () => {
    let release = (): void => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    let locking: Promise<unknown> = Promise.resolve()
    await new Promise<void>((resolve, reject) => {
      locking = subject.lock(resolve, released)
      locking.catch(reject)
    })
    const waiting = subject.wait()
    await eventually(() => watched.blocking().length > 0)
    expect(watched.blocking()).toMatchObject([
      {
        waiter: { site: at('waits'), own: true },
        blocker: { site: at('locks'), own: true, state: 'idle in transaction' },
        relation: '"Post"',
        count: 1,
        active: true,
      },
    ])
    expect(watched.nPlusOne()).toEqual([])
    release()
    await Promise.all([locking, waiting])
  })
})
