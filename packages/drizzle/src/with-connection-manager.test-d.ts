import { once, withConnectionManager } from '@connmgr/drizzle'
import { createConnectionManager, type ManagedPool, type PgConnectionManager } from '@connmgr/pg'
import { relations } from 'drizzle-orm'
import { integer, pgTable, serial, text } from 'drizzle-orm/pg-core'
import { expectTypeOf } from 'expect-type'

const users = pgTable('users', { id: serial('id').primaryKey(), name: text('name') })
const posts = pgTable('posts', {
  id: serial('id').primaryKey(),
  authorId: integer('author_id').notNull(),
})
const schema = {
  users,
  posts,
  usersRelations: relations(users, ({ many }) => ({ posts: many(posts) })),
}

async function keepsTheSchema(): Promise<void> {
  const db = withConnectionManager({ schema }, { poolSize: 3 })
  expectTypeOf(db.$connections).toEqualTypeOf<PgConnectionManager>()
  expectTypeOf(db.$client).toEqualTypeOf<ManagedPool>()
  const found = await db.query.users.findMany({ with: { posts: true } })
  expectTypeOf(found).toEqualTypeOf<
    { id: number; name: string | null; posts: { id: number; authorId: number }[] }[]
  >()
  const names = await db.select({ name: users.name }).from(users)
  expectTypeOf(names).toEqualTypeOf<{ name: string | null }[]>()
  const counted = await db.transaction(async (tx) => (await tx.query.posts.findFirst())?.authorId)
  expectTypeOf(counted).toEqualTypeOf<number | undefined>()
  // @ts-expect-error there is no such table in the schema
  await db.query.nonsense.findMany()
}

async function keepsItWithReplicas(): Promise<void> {
  const db = withConnectionManager({ schema, replicas: true }, createConnectionManager())
  expectTypeOf(db.$connections).toEqualTypeOf<PgConnectionManager>()
  const found = await db.$primary.query.users.findFirst()
  expectTypeOf(found).toEqualTypeOf<{ id: number; name: string | null } | undefined>()
}

async function isKeptByOnce(): Promise<void> {
  const db = once('main', () => withConnectionManager({ schema }, { poolSize: 3 }))
  expectTypeOf(db.$connections).toEqualTypeOf<PgConnectionManager>()
  const found = await db.query.posts.findFirst()
  expectTypeOf(found).toEqualTypeOf<{ id: number; authorId: number } | undefined>()
  // @ts-expect-error there is no such table in the schema
  await db.query.nonsense.findMany()
  const split = once('split', () => withConnectionManager({ schema, replicas: true }))
  expectTypeOf(await split.$primary.query.posts.findFirst()).toEqualTypeOf(found)
}

function refusesWhatIsNotAnOption(): void {
  // @ts-expect-error it is called poolSize
  withConnectionManager({ schema }, { poolsize: 5 })
  // @ts-expect-error replicas is yes or no
  withConnectionManager({ schema, replicas: 2 })
}

export { isKeptByOnce, keepsItWithReplicas, keepsTheSchema, refusesWhatIsNotAnOption }
