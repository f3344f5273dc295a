import { replayTransaction, withConnectionManager } from '@connmgr/drizzle/mysql'
import type { MysqlConnectionManager } from '@connmgr/mysql'
import { eq, sql } from 'drizzle-orm'
import { bigint, mysqlTable, text } from 'drizzle-orm/mysql-core'
import { forgetTransaction } from '../workloads/forget-transaction.js'
import type { Workload } from '../workloads/workload.js'

const ledger = mysqlTable('ledger', {
  row: bigint('row', { mode: 'bigint' }).autoincrement().primaryKey(),
  id: text('id').notNull(),
  orm: text('orm').notNull(),
})

export async function startDrizzle(manager: MysqlConnectionManager): Promise<Workload> {
  const db = withConnectionManager({ schema: { ledger }, mode: 'default', replicas: true }, manager)
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
    // Reads go to the replica, while there is one.
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
