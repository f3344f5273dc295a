import { replayTransaction, withConnectionManager } from '@connmgr/drizzle'
import type { PgConnectionManager } from '@connmgr/pg'
import { eq } from 'drizzle-orm'
import { bigserial, pgTable, text } from 'drizzle-orm/pg-core'
import { drizzleWorkload } from '../workloads/drizzle.js'
import type { Workload } from '../workloads/workload.js'

const ledger = pgTable('ledger', {
  row: bigserial('row', { mode: 'bigint' }).primaryKey(),
  id: text('id').notNull(),
  orm: text('orm').notNull(),
})

export async function startDrizzle(manager: PgConnectionManager): Promise<Workload> {
  const db = withConnectionManager({ schema: { ledger }, replicas: true }, manager)
  return drizzleWorkload<Pick<typeof db, 'insert' | 'execute'>>({
    db,
    insert: (into, row) => into.insert(ledger).values(row),
    run: async (on, statement) => on.execute(statement),
    // Bound, so that a leak is reported where the workload begins the transaction.
    transaction: db.transaction.bind(db),
    replayTransaction: (work) => replayTransaction(db, work),
    count: () => db.$count(ledger, eq(ledger.orm, 'drizzle')),
  })
}
