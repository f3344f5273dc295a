import type { PgConnectionManager } from '@connmgr/pg'
import { withConnectionManager } from '@connmgr/prisma'
import { PrismaClient } from '../../generated/client.js'
import { prismaWorkload } from '../workloads/prisma.js'
import type { Workload } from '../workloads/workload.js'

export function startPrisma(manager: PgConnectionManager): Promise<Workload> {
  return prismaWorkload(withConnectionManager(PrismaClient, manager))
}
