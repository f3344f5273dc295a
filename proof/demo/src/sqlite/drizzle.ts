import { replayTransaction, withConnectionManager } from '@connmgr/drizzle/sqlite'
import type { SqliteConnectionManager } from '@connmgr/sqlite'
import { eq } from 'drizzle-orm'
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { drizzleWorkload } from '../workloads/drizzle.js'
import type { Workload } from '../workloads/workload.js'

const ledger = sqliteTable('ledger', {
  row: integer('row').primaryKey(),
  id: text('id').notNull(),
  orm: text('orm').notNull(),
})

export async function startDrizzle(manager: SqliteConnectionManager): Promise<Workload> {
  const db = withConnectionManager({ schema: { ledger }, replicas: true }, manager)
  return drizzleWorkload<Pick<typeof db, 'insert' | 'run'>>({
    db,
    insert: (into, row) => into.insert(ledger).values(row),
    run: async (on, statement) => on.run(statement),
    // Bound, so that a leak is reported where the workload begins the transaction.
    transaction: db.transaction.bind(db),
    replayTransaction: (work) => replayTransaction(db, work),
    count: () => db.$count(ledger, eq(ledger.orm, 'drizzle')),
  })
}
