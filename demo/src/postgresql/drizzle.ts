import { replayTransaction, withConnectionManager } from '@connmgr/drizzle'
import type { PgConnectionManager } from '@connmgr/pg'
import { eq, sql } from 'drizzle-orm'
import { bigserial, pgTable, text } from 'drizzle-orm/pg-core'
import type { Workload } from '../workload.js'

const ledger = pgTable('ledger', {
  row: bigserial('row', { mode: 'bigint' }).primaryKey(),
  id: text('id').notNull(),
  orm: text('orm').notNull(),
})

export async function startDrizzle(manager: PgConnectionManager): Promise<Workload> {
  const db = withConnectionManager({ schema: { ledger }, replicas: true }, manager)

  async function forgetTransaction(): Promise<() => Promise<void>> {
    let letGo = (): void => {}
    const stuck = new Promise<void>((resolve) => {
      letGo = resolve
    })
    let running: Promise<void> = Promise.resolve()
    await new Promise<void>((resolve, reject) => {
      running = db.transaction(async (tx) => {
        await tx.execute(sql`select 'a transaction that waits for something else'`)
        resolve()
        await stuck
      })
      running.catch(reject)
    })
    return () => {
      letGo()
      return running
    }
  }

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
    leak: forgetTransaction,
    close: async () => {},
  }
}
