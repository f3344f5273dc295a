import type { MysqlConnectionManager } from '@connmgr/mysql'
import { withConnectionManager } from '@connmgr/prisma'
import { PrismaClient } from '../../mariadb/generated/client.js'
import { type LedgerClient, prismaWorkload } from '../workloads/prisma.js'
import type { Workload } from '../workloads/workload.js'

export function startPrisma(manager: MysqlConnectionManager): Promise<Workload> {
  // Its model has the same shape.
  return prismaWorkload(withConnectionManager(PrismaClient, manager) as unknown as LedgerClient)
}
