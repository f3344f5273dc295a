import { replayTransaction, withConnectionManager } from '@connmgr/drizzle'
import { pgTable, serial, text } from 'drizzle-orm/pg-core'
import { expectTypeOf } from 'expect-type'

const users = pgTable('users', { id: serial('id').primaryKey(), name: text('name').notNull() })
const db = withConnectionManager({ schema: { users } })

async function infersTheTransactionAndItsResult(): Promise<void> {
  const found = await replayTransaction(
    db,
    async (tx, attempt) => {
      expectTypeOf(attempt).toEqualTypeOf<number>()
      // @ts-expect-error there is no such table in the schema
      void tx.query.nonsense
      return tx.query.users.findFirst()
    },
    { replay: 'idempotent', outcome: async () => 'committed' },
    { isolationLevel: 'serializable' },
  )
  expectTypeOf(found).toEqualTypeOf<{ id: number; name: string } | undefined>()
  const replicated = withConnectionManager({ schema: { users }, replicas: true })
  const names = await replayTransaction(replicated, (tx) =>
    tx.select({ name: users.name }).from(users),
  )
  expectTypeOf(names).toEqualTypeOf<{ name: string }[]>()
}

async function infersAnyUnitOfWork(): Promise<void> {
  const counted = await db.$connections.replay((attempt) => {
    expectTypeOf(attempt).toEqualTypeOf<number>()
    return db.$count(users)
  })
  expectTypeOf(counted).toEqualTypeOf<number>()
  await db.$connections.replay(() => db.$count(users), {
    outcome: async () => ({ committed: 5 }),
  })
  // @ts-expect-error what was committed has the type of the result
  await db.$connections.replay(async () => 5, { outcome: async () => ({ committed: 'five' }) })
  // @ts-expect-error there is no such mode
  await replayTransaction(db, async () => 1, { replay: 'always' })
}

export { infersAnyUnitOfWork, infersTheTransactionAndItsResult }
