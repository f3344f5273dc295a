import { replayTransaction, withConnectionManager } from '@connmgr/drizzle/sqlite'
import type { SqliteConnectionManager } from '@connmgr/sqlite'
import { eq, sql } from 'drizzle-orm'
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { forgetTransaction } from '../workloads/forget-transaction.js'
import type { Workload } from '../workloads/workload.js'

const ledger = sqliteTable('ledger', {
  row: integer('row').primaryKey(),
  id: text('id').notNull(),
  orm: text('orm').notNull(),
})

export async function startDrizzle(manager: SqliteConnectionManager): Promise<Workload> {
  const db = withConnectionManager({ schema: { ledger }, replicas: true }, manager)
  return {
    orm: 'drizzle',
    write: async (id) => {
      await db.insert(ledger).values({ id, orm: 'drizzle' })
    },
    writeSafely: (id, before) =>
      replayTransaction(db, async (tx, attempt) => {
        await before?.(attempt, (statement) => tx.run(sql.raw(statement)))
        await tx.insert(ledger).values({ id, orm: 'drizzle' })
      }),
    // Reads go to the readers.
    read: () => db.$count(ledger, eq(ledger.orm, 'drizzle')),
    leak: () =>
      forgetTransaction((begun) =>
        db.transaction(async (tx) => {
          await tx.run(sql`select 'a transaction that waits for something else'`)
          await begun()
        }),
      ),
    close: async () => {},
  }
}
