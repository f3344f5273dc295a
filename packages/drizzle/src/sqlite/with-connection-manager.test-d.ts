import { replayTransaction, withConnectionManager } from '@connmgr/drizzle/sqlite'
import {
  createConnectionManager,
  type ManagedPool,
  type SqliteConnectionManager,
} from '@connmgr/sqlite'
import { relations } from 'drizzle-orm'
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { expectTypeOf } from 'expect-type'

const users = sqliteTable('users', { id: integer('id').primaryKey(), name: text('name') })
const posts = sqliteTable('posts', {
  id: integer('id').primaryKey(),
  authorId: integer('author_id').notNull(),
})
const schema = {
  users,
  posts,
  usersRelations: relations(users, ({ many }) => ({ posts: many(posts) })),
}

async function keepsTheSchema(): Promise<void> {
  const db = withConnectionManager({ schema }, { filename: 'app.db', readers: 2 })
  expectTypeOf(db.$connections).toEqualTypeOf<SqliteConnectionManager>()
  expectTypeOf(db.$client).toEqualTypeOf<ManagedPool>()
  const found = await db.query.users.findMany({ with: { posts: true } })
  expectTypeOf(found).toEqualTypeOf<
    { id: number; name: string | null; posts: { id: number; authorId: number }[] }[]
  >()
  const counted = await replayTransaction(
    db,
    async (tx) => (await tx.query.posts.findFirst())?.authorId,
  )
  expectTypeOf(counted).toEqualTypeOf<number | undefined>()
  // @ts-expect-error there is no such table in the schema
  await db.query.nonsense.findMany()
}

async function keepsItWithReplicas(): Promise<void> {
  const db = withConnectionManager({ schema, replicas: true }, createConnectionManager())
  const found = await db.$primary.query.users.findFirst()
  expectTypeOf(found).toEqualTypeOf<{ id: number; name: string | null } | undefined>()
}

function refusesWhatIsNotAnOption(): void {
  // @ts-expect-error a file has one writer: it is "readers"
  withConnectionManager({ schema }, { poolSize: 5 })
}

export { keepsItWithReplicas, keepsTheSchema, refusesWhatIsNotAnOption }
