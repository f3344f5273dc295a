import { replayTransaction, withConnectionManager } from '@connmgr/drizzle'
import type { PgConnectionManager } from '@connmgr/pg'
import { eq, sql } from 'drizzle-orm'
import { bigserial, pgTable, text } from 'drizzle-orm/pg-core'
import { forgetTransaction } from '../workloads/forget-transaction.js'
import type { Workload } from '../workloads/workload.js'

const ledger = pgTable('ledger', {
  row: bigserial('row', { mode: 'bigint' }).primaryKey(),
  id: text('id').notNull(),
  orm: text('orm').notNull(),
})

export async function startDrizzle(manager: PgConnectionManager): Promise<Workload> {
  const db = withConnectionManager({ schema: { ledger }, replicas: true }, manager)
  return {
    orm: 'drizzle',
    write: async (id) => {
      await db.insert(ledger).values({ id, orm: 'drizzle' })
    },
    writeSafely: (id, before) =>
      replayTransaction(db, async (tx, attempt) => {
        await before?.(attempt, (statement) => tx.execute(sql.raw(statement)))
        await tx.insert(ledger).values({ id, orm: 'drizzle' })
      }),
    // Reads go to the standby, while there is one.
    read: () => db.$count(ledger, eq(ledger.orm, 'drizzle')),
    leak: () =>
      forgetTransaction((begun) =>
        db.transaction(async (tx) => {
          await tx.execute(sql`select 'a transaction that waits for something else'`)
          await begun()
        }),
      ),
    close: async () => {},
  }
}
