// Run as a process of its own: what cannot work must fail, with a code, and leave nothing that keeps the process alive.
import type { PgManagerOptions } from '@connmgr/pg'
import { withConnectionManager } from '@connmgr/prisma'
import { PrismaClient } from './generated/client.js'

async function codeOf(options: PgManagerOptions): Promise<unknown> {
  try {
    const prisma = withConnectionManager(PrismaClient, {
      acquireTimeoutMs: Number(process.env.ACQUIRE_TIMEOUT_MS),
      logger: false,
      ...options,
    })
    try {
      return await prisma.user.count()
    } finally {
      await prisma.$disconnect()
    }
  } catch (error) {
    return (error as { code?: unknown }).code
  }
}

async function main(): Promise<void> {
  const { DATABASE_URL = '' } = process.env
  const codes = {
    fine: await codeOf({}),
    wrongOption: await codeOf({ poolSise: 5 } as PgManagerOptions),
    wrongUrl: await codeOf({ databaseUrl: 'postgres://app:geheim@host:port/shop' }),
    unreachable: await codeOf({ databaseUrl: 'postgres://app:geheim@127.0.0.1:1/shop' }),
    wrongPassword: await codeOf({ databaseUrl: DATABASE_URL.replace('postgres-secret', 'geheim') }),
    missingDatabase: await codeOf({ databaseUrl: DATABASE_URL.replace(/[^/]+$/, 'nowhere') }),
  }
  process.stdout.write(JSON.stringify(codes))
}

void main()
