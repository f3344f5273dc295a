import * as prisma from '@connmgr/prisma'
import { PrismaClient } from '../../packages/prisma/test/generated/client.js'
import type { Access, Given } from '../adapters.js'
import { leakIn } from './leak-in.js'

export async function open(given: Given): Promise<Access> {
  const client = prisma.withConnectionManager(PrismaClient, given)
  return {
    connections: client.$connections,
    query: (text) => client.$queryRawUnsafe<unknown[]>(text),
    transaction: (work) =>
      client.$transaction((tx) => work((text) => tx.$queryRawUnsafe<unknown[]>(text))),
    leak: () => leakIn((work) => client.$transaction(work, { timeout: 60_000 })),
    close: () => client.$disconnect(),
  }
}
