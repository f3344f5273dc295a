import { once, replayTransaction, withConnectionManager } from '@connmgr/drizzle/mysql'
import {
  createConnectionManager,
  type ManagedPool,
  type MysqlConnectionManager,
} from '@connmgr/mysql'
import { relations } from 'drizzle-orm'
import { int, mysqlTable, serial, varchar } from 'drizzle-orm/mysql-core'
import { expectTypeOf } from 'expect-type'

const users = mysqlTable('users', {
  id: serial('id').primaryKey(),
  name: varchar('name', { length: 100 }),
})
const posts = mysqlTable('posts', {
  id: serial('id').primaryKey(),
  authorId: int('author_id').notNull(),
})
const schema = {
  users,
  posts,
  usersRelations: relations(users, ({ many }) => ({ posts: many(posts) })),
}

async function keepsTheSchema(): Promise<void> {
  const db = withConnectionManager({ schema, mode: 'planetscale' }, { poolSize: 3 })
  expectTypeOf(db.$connections).toEqualTypeOf<MysqlConnectionManager>()
  expectTypeOf(db.$client).toEqualTypeOf<ManagedPool>()
  const found = await db.query.users.findMany({ with: { posts: true } })
  expectTypeOf(found).toEqualTypeOf<
    { id: number; name: string | null; posts: { id: number; authorId: number }[] }[]
  >()
  const counted = await db.transaction(async (tx) => (await tx.query.posts.findFirst())?.authorId)
  expectTypeOf(counted).toEqualTypeOf<number | undefined>()
  // @ts-expect-error there is no such table in the schema
  await db.query.nonsense.findMany()
}

async function keepsItWithReplicasAndOnce(): Promise<void> {
  const db = once('split', () =>
    withConnectionManager({ schema, mode: 'default', replicas: true }, createConnectionManager()),
  )
  expectTypeOf(db.$connections).toEqualTypeOf<MysqlConnectionManager>()
  const found = await db.$primary.query.users.findFirst()
  expectTypeOf(found).toEqualTypeOf<{ id: number; name: string | null } | undefined>()
}

async function infersTheTransactionOfAReplay(): Promise<void> {
  const db = withConnectionManager({ schema, mode: 'default' })
  const found = await replayTransaction(
    db,
    async (tx, attempt) => {
      expectTypeOf(attempt).toEqualTypeOf<number>()
      return tx.query.users.findFirst()
    },
    { replay: 'safe' },
    { isolationLevel: 'serializable', withConsistentSnapshot: true },
  )
  expectTypeOf(found).toEqualTypeOf<{ id: number; name: string | null } | undefined>()
  // @ts-expect-error PostgreSQL has that, MySQL has not
  await replayTransaction(db, async () => 1, {}, { deferrable: true })
}

function refusesWhatIsNotAnOption(): void {
  // @ts-expect-error drizzle needs to know how relational queries are to be written
  withConnectionManager({ schema })
  // @ts-expect-error it is called poolSize
  withConnectionManager({}, { poolsize: 5 })
}

export {
  infersTheTransactionOfAReplay,
  keepsItWithReplicasAndOnce,
  keepsTheSchema,
  refusesWhatIsNotAnOption,
}
