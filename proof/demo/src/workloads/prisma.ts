import type { PgConnectionManager } from '@connmgr/pg'
import { replayTransaction } from '@connmgr/prisma'
import type { PrismaClient } from '../../generated/client.js'
import { forgetTransaction } from './forget-transaction.js'
import type { Workload } from './workload.js'

const PATIENCE_MS = 60_000

export type LedgerClient = PrismaClient & { readonly $connections: PgConnectionManager }

/** @param prisma with the model of the ledger; one that was generated for another database has the same shape */
export async function prismaWorkload(prisma: LedgerClient): Promise<Workload> {
  await prisma.$connect()
  return {
    orm: 'prisma',
    write: async (id) => {
      await prisma.ledger.create({ data: { id, orm: 'prisma' } })
    },
    writeSafely: (id, before) =>
      replayTransaction(
        prisma,
        async (tx, attempt) => {
          await before?.(attempt, (sql) => tx.$executeRawUnsafe(sql))
          await tx.ledger.create({ data: { id, orm: 'prisma' } })
        },
        {},
        { timeout: PATIENCE_MS },
      ),
    read: () => prisma.ledger.count({ where: { orm: 'prisma' } }),
    leak: () =>
      forgetTransaction((begun) =>
        prisma.$transaction(
          async (tx) => {
            await tx.$queryRaw`select 'a transaction that waits for something else'`
            await begun()
          },
          { timeout: PATIENCE_MS },
        ),
      ),
    close: () => prisma.$disconnect(),
  }
}
