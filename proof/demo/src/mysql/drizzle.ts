import { replayTransaction, withConnectionManager } from '@connmgr/drizzle/mysql'
import type { MysqlConnectionManager } from '@connmgr/mysql'
import { eq } from 'drizzle-orm'
import { bigint, mysqlTable, text } from 'drizzle-orm/mysql-core'
import { drizzleWorkload } from '../workloads/drizzle.js'
import type { Workload } from '../workloads/workload.js'

const ledger = mysqlTable('ledger', {
  row: bigint('row', { mode: 'bigint' }).autoincrement().primaryKey(),
  id: text('id').notNull(),
  orm: text('orm').notNull(),
})

export async function startDrizzle(manager: MysqlConnectionManager): Promise<Workload> {
  const db = withConnectionManager({ schema: { ledger }, mode: 'default', replicas: true }, manager)
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
