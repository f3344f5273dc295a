import type { PgConnectionManager } from '@connmgr/pg'
import { replayTransaction, withConnectionManager } from '@connmgr/prisma'
import { PrismaClient } from '../../generated/client.js'
import type { Workload } from '../workload.js'

const PATIENCE_MS = 60_000

export async function startPrisma(manager: PgConnectionManager): Promise<Workload> {
  const prisma = withConnectionManager(PrismaClient, manager)
  await prisma.$connect()

  async function forgetTransaction(): Promise<() => Promise<void>> {
    let letGo = (): void => {}
    const stuck = new Promise<void>((resolve) => {
      letGo = resolve
    })
    const begun = new Promise<void>((resolve, reject) => {
      running = prisma.$transaction(
        async (tx) => {
          await tx.$queryRaw`select 'a transaction that waits for something else'`
          resolve()
          await stuck
        },
        { timeout: PATIENCE_MS },
      )
      running.catch(reject)
    })
    await begun
    return () => {
      letGo()
      return running
    }
  }
  let running: Promise<void> = Promise.resolve()

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
    leak: forgetTransaction,
    close: () => prisma.$disconnect(),
  }
}
