import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { connectionManagerAdapter, withConnectionManager } from '@connmgr/prisma'
import { expectTypeOf } from 'expect-type'
import { PrismaClient } from '../test/generated/client.js'

const manager = createConnectionManager()

async function infersSelections(): Promise<void> {
  const prisma = withConnectionManager(PrismaClient, { poolSize: 3 })
  expectTypeOf(prisma.$connections).toEqualTypeOf<PgConnectionManager>()
  const users = await prisma.user.findMany({
    select: { id: true, posts: { select: { title: true } } },
  })
  expectTypeOf(users).toEqualTypeOf<{ id: number; posts: { title: string }[] }[]>()
  const user = await prisma.user.findFirst({ include: { posts: true } })
  expectTypeOf(user?.posts[0]?.published).toEqualTypeOf<boolean | undefined>()
  // @ts-expect-error there is no such field
  await prisma.user.findMany({ select: { nonsense: true } })
  // @ts-expect-error there is no such model
  await prisma.nonsense.findMany()
}

async function keepsExtensions(): Promise<void> {
  const prisma = withConnectionManager(
    (adapter) => new PrismaClient({ adapter, log: ['warn'] }),
    manager,
  )
    .$extends({
      result: {
        user: { shout: { needs: { email: true }, compute: ({ email }) => email.toUpperCase() } },
      },
    })
    .$extends({ client: { answer: (): number => 42 } })
  expectTypeOf(prisma.$connections).toEqualTypeOf<PgConnectionManager>()
  expectTypeOf(prisma.answer()).toEqualTypeOf<number>()
  const user = await prisma.user.findFirstOrThrow()
  expectTypeOf(user.shout).toEqualTypeOf<string>()
  const email = await prisma.$transaction(async (tx) => {
    const found = await tx.user.findFirstOrThrow({ select: { email: true, shout: true } })
    expectTypeOf(found).toEqualTypeOf<{ email: string; shout: string }>()
    return found.email
  })
  expectTypeOf(email).toEqualTypeOf<string>()
}

async function keepsOmit(): Promise<void> {
  const prisma = withConnectionManager(
    (adapter) => new PrismaClient({ adapter, omit: { user: { email: true } } }),
    manager,
  )
  const user = await prisma.user.findFirstOrThrow()
  expectTypeOf(user).toEqualTypeOf<{ id: number; name: string | null }>()
}

function adoptsAClient(): void {
  const prisma = withConnectionManager(
    new PrismaClient({ adapter: connectionManagerAdapter(manager) }),
  )
  expectTypeOf(prisma.$connections).toEqualTypeOf<PgConnectionManager>()
}

export { adoptsAClient, infersSelections, keepsExtensions, keepsOmit }
