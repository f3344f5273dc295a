import { withConnectionManager } from '@connmgr/prisma'
import type { SqliteConnectionManager } from '@connmgr/sqlite'
import { PrismaClient } from '../../sqlite/generated/client.js'
import { type LedgerClient, prismaWorkload } from '../workloads/prisma.js'
import type { Workload } from '../workloads/workload.js'

export function startPrisma(manager: SqliteConnectionManager): Promise<Workload> {
  // Its model has the same shape.
  return prismaWorkload(withConnectionManager(PrismaClient, manager) as unknown as LedgerClient)
}
