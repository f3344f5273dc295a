import { replayTransaction, withConnectionManager } from '@connmgr/prisma'
import { expectTypeOf } from 'expect-type'
import { PrismaClient } from '../test/generated/client.js'

async function infersTheTransactionAndItsResult(): Promise<void> {
  const prisma = withConnectionManager(PrismaClient)
  const found = await replayTransaction(
    prisma,
    async (tx, attempt) => {
      expectTypeOf(attempt).toEqualTypeOf<number>()
      expectTypeOf(tx).not.toBeAny()
      // @ts-expect-error a transaction connects nothing
      void tx.$connect
      return tx.user.findFirstOrThrow({ select: { email: true } })
    },
    { replay: 'safe', deadlineMs: 1000, outcome: async () => 'not-committed' },
    { isolationLevel: 'Serializable', maxWait: 1000 },
  )
  expectTypeOf(found).toEqualTypeOf<{ email: string }>()
  // @ts-expect-error there is no such level
  await replayTransaction(prisma, async () => 1, {}, { isolationLevel: 'Nonsense' })
  // @ts-expect-error there is no such mode
  await replayTransaction(prisma, async () => 1, { replay: 'always' })
}

async function keepsExtensions(): Promise<void> {
  const prisma = withConnectionManager(PrismaClient).$extends({
    result: {
      user: { shout: { needs: { email: true }, compute: ({ email }) => email.toUpperCase() } },
    },
  })
  const shout = await replayTransaction(
    prisma,
    async (tx) => (await tx.user.findFirstOrThrow()).shout,
  )
  expectTypeOf(shout).toEqualTypeOf<string>()
  const counted = await prisma.$connections.replay((attempt) => {
    expectTypeOf(attempt).toEqualTypeOf<number>()
    return prisma.$transaction((tx) => tx.user.count())
  })
  expectTypeOf(counted).toEqualTypeOf<number>()
}

export { infersTheTransactionAndItsResult, keepsExtensions }
