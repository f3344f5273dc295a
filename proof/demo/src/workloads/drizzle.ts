import { type SQL, sql } from 'drizzle-orm'
import { forgetTransaction } from './forget-transaction.js'
import type { Workload } from './workload.js'

/** What the workload asks of Drizzle, whose types are others for each database. `T` is a transaction, or the database. */
export interface LedgerDatabase<T> {
  /** Outside of transactions. */
  readonly db: T
  insert(into: T, row: { readonly id: string; readonly orm: string }): Promise<unknown>
  run(on: T, statement: SQL): Promise<unknown>
  transaction(work: (tx: T) => Promise<void>): Promise<void>
  replayTransaction(work: (tx: T, attempt: number) => Promise<void>): Promise<void>
  /** Reads from a standby, while there is one. */
  count(): Promise<number>
}

export function drizzleWorkload<T>(ledger: LedgerDatabase<T>): Workload {
  const rowOf = (id: string) => ({ id, orm: 'drizzle' })
  return {
    orm: 'drizzle',
    write: async (id) => {
      await ledger.insert(ledger.db, rowOf(id))
    },
    writeSafely: (id, before) =>
      ledger.replayTransaction(async (tx, attempt) => {
        await before?.(attempt, (statement) => ledger.run(tx, sql.raw(statement)))
        await ledger.insert(tx, rowOf(id))
      }),
    read: () => ledger.count(),
    leak: () =>
      forgetTransaction((begun) =>
        ledger.transaction(async (tx) => {
          await ledger.run(tx, sql`select 'a transaction that waits for something else'`)
          await begun()
        }),
      ),
    close: async () => {},
  }
}
