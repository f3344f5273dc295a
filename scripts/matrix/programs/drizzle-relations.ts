import assert from 'node:assert/strict'
import {
  type ManagedDatabase,
  type ManagedReplicatedDatabase,
  replayTransaction,
  withConnectionManager,
} from '@connmgr/drizzle'
import type { ManagedPool, PgConnectionManager } from '@connmgr/pg'
import { defineRelations, is, sql, TransactionRollbackError } from 'drizzle-orm'
import { drizzle, NodePgDatabase } from 'drizzle-orm/node-postgres'
import { integer, PgAsyncDatabase, pgTable, serial, text } from 'drizzle-orm/pg-core'
import { expectAllReturned, expectNamedLeak, sameType, WATCHFUL } from './expect.js'

const users = pgTable('users', { id: serial('id').primaryKey(), name: text('name').notNull() })
const posts = pgTable('posts', {
  id: serial('id').primaryKey(),
  authorId: integer('author_id').notNull(),
})
const relations = defineRelations({ users, posts }, (r) => ({
  users: { posts: r.many.posts({ from: r.users.id, to: r.posts.authorId }) },
}))

const db = withConnectionManager({ relations, paramsInErrors: true }, WATCHFUL)
sameType<typeof db, ManagedDatabase<typeof relations>>()
sameType<typeof db.$connections, PgConnectionManager>()
sameType<typeof db.$client, ManagedPool>()
const asDrizzle: NodePgDatabase<typeof relations> = db
const misspelt = [
  // @ts-expect-error it is called relations
  () => withConnectionManager({ relation: relations }),
  // @ts-expect-error it is called poolSize
  () => withConnectionManager({ relations }, { poolsize: 5 }),
  // @ts-expect-error there is no such table
  () => db.query.nonsense,
]

async function main(): Promise<void> {
  assert.equal(misspelt.length, 3)
  assert(db instanceof NodePgDatabase && is(db, PgAsyncDatabase) && is(asDrizzle, NodePgDatabase))
  await db.execute(sql`create table users (id serial primary key, name text not null)`)
  await db.execute(sql`create table posts (id serial primary key, author_id int not null)`)
  const [ada] = await db.insert(users).values({ name: 'Ada' }).returning()
  await db.insert(posts).values({ authorId: ada?.id ?? 0 })
  const found = await db.query.users.findMany({ with: { posts: true }, where: { name: 'Ada' } })
  sameType<
    typeof found,
    { id: number; name: string; posts: { id: number; authorId: number }[] }[]
  >()
  assert.deepEqual(found, [{ id: 1, name: 'Ada', posts: [{ id: 1, authorId: 1 }] }])

  await assert.rejects(
    db.transaction(async (tx) => {
      await tx.insert(users).values({ name: 'Nobody' })
      tx.rollback()
    }),
    (error) => error instanceof TransactionRollbackError && is(error, TransactionRollbackError),
  )
  await db.transaction(async (tx) => {
    await assert.rejects(
      tx.transaction(async (nested) => {
        await nested.insert(users).values({ name: 'Nobody' })
        nested.rollback()
      }),
      TransactionRollbackError,
    )
  })
  const names = await replayTransaction(db, (tx) => tx.select({ name: users.name }).from(users))
  sameType<typeof names, { name: string }[]>()
  assert.deepEqual(names, [{ name: 'Ada' }])
  await assert.rejects(db.execute(sql`select nonsense`), (error: Error) => {
    return (error.cause as { code?: string } | undefined)?.code === '42703'
  })
  await expectNamedLeak(db.$connections, async function forgetful() {
    const client = await db.$client.connect()
    return () => client.release()
  })

  const replicated = withConnectionManager({ relations, replicas: true }, db.$connections)
  sameType<typeof replicated, ManagedReplicatedDatabase<typeof relations>>()
  assert.equal((await replicated.query.users.findFirst())?.name, 'Ada')
  assert.equal((await replicated.$replica.query.users.findFirst())?.name, 'Ada')
  assert.equal(replicated.$connections, db.$connections)
  expectAllReturned(db.$connections)

  const plain = withConnectionManager(undefined, db.$connections)
  assert.equal(await plain.$count(users), 1)
  assert.equal(plain.constructor, drizzle({ client: db.$client }).constructor)
  await db.$connections.close()
}

void main()
