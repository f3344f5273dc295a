import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import {
  connectionManagerAdapter,
  type Managed,
  once,
  withConnectionManager,
} from '@connmgr/prisma'
import { expectTypeOf } from 'expect-type'
import { PrismaClient } from '../test/generated/client.js'

const manager = createConnectionManager()

async function infersSelections(): Promise<void> {
  const prisma = withConnectionManager(PrismaClient, { poolSize: 3 })
  expectTypeOf(prisma).not.toBeAny()
  expectTypeOf(prisma.$connections).toEqualTypeOf<PgConnectionManager>()
  const users = await prisma.user.findMany({
    select: { id: true, posts: { select: { title: true } } },
  })
  expectTypeOf(users).toEqualTypeOf<{ id: number; posts: { title: string }[] }[]>()
  const user = await prisma.user.findFirst({ include: { posts: true } })
  expectTypeOf(user?.posts[0]?.published).toEqualTypeOf<boolean | undefined>()
  const batch = await prisma.$transaction([prisma.user.count(), prisma.post.findFirstOrThrow()])
  expectTypeOf(batch[0]).toEqualTypeOf<number>()
  expectTypeOf(batch[1].title).toEqualTypeOf<string>()
  expectTypeOf(await prisma.$queryRaw<{ n: number }[]>`select 1 as n`).toEqualTypeOf<
    { n: number }[]
  >()
  // @ts-expect-error there is no such field
  await prisma.user.findMany({ select: { nonsense: true } })
  // @ts-expect-error there is no such model
  await prisma.nonsense.findMany()
}

async function isKeptByOnce(): Promise<void> {
  const prisma = once('main', () => withConnectionManager(PrismaClient, { poolSize: 3 }))
  expectTypeOf(prisma).toEqualTypeOf<Managed<PrismaClient>>()
  expectTypeOf(prisma.$connections).toEqualTypeOf<PgConnectionManager>()
  const users = await prisma.user.findMany({ select: { posts: { select: { title: true } } } })
  expectTypeOf(users).toEqualTypeOf<{ posts: { title: string }[] }[]>()
  const extended = once('extended', () =>
    withConnectionManager(PrismaClient).$extends({ client: { answer: (): number => 42 } }),
  )
  expectTypeOf(extended.answer()).toEqualTypeOf<number>()
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

async function keepsExtensionsOfAClass(): Promise<void> {
  const prisma = withConnectionManager(PrismaClient).$extends({
    model: { user: { byEmail: (email: string): string => email } },
  })
  expectTypeOf(prisma.$connections).toEqualTypeOf<PgConnectionManager>()
  expectTypeOf(prisma.user.byEmail).toEqualTypeOf<(email: string) => string>()
  expectTypeOf(await prisma.user.count()).toEqualTypeOf<number>()
}

async function keepsOmit(): Promise<void> {
  const prisma = withConnectionManager(
    (adapter) => new PrismaClient({ adapter, omit: { user: { email: true } } }),
    manager,
  )
  const user = await prisma.user.findFirstOrThrow()
  expectTypeOf(user).toEqualTypeOf<{ id: number; name: string | null }>()
}

async function adoptsAClient(): Promise<void> {
  const client = new PrismaClient({ adapter: connectionManagerAdapter(manager) })
  const prisma = withConnectionManager(client)
  expectTypeOf(prisma.$connections).toEqualTypeOf<PgConnectionManager>()
  expectTypeOf(prisma).toEqualTypeOf<Managed<PrismaClient>>()

  const extended = withConnectionManager(client.$extends({ client: { answer: (): number => 42 } }))
  expectTypeOf(extended.$connections).toEqualTypeOf<PgConnectionManager>()
  expectTypeOf(extended.answer()).toEqualTypeOf<number>()
  expectTypeOf(await extended.post.findMany({ select: { id: true } })).toEqualTypeOf<
    { id: number }[]
  >()
}

class PrismaService extends PrismaClient {
  hello(): string {
    return 'hello'
  }
}

async function isAPrismaClient(): Promise<void> {
  const prisma = withConnectionManager(PrismaClient)
  const plain: PrismaClient = prisma
  const run = (client: PrismaClient): Promise<number> => client.user.count()
  await Promise.all([run(prisma), run(plain)])
  expectTypeOf(prisma.$disconnect()).toEqualTypeOf<Promise<void>>()
}

async function keepsASubclass(): Promise<void> {
  const service = withConnectionManager(PrismaService, { poolSize: 3 })
  const plain: PrismaService = service
  expectTypeOf(service.hello()).toEqualTypeOf<string>()
  expectTypeOf(service.$connections).toEqualTypeOf<PgConnectionManager>()
  expectTypeOf(await plain.user.count()).toEqualTypeOf<number>()
  expectTypeOf(service.$extends({}).$connections).toEqualTypeOf<PgConnectionManager>()
  // @ts-expect-error there is no such member
  service.goodbye()
}

function keepsEventsOfTheLog(): void {
  const prisma = withConnectionManager(
    (adapter) => new PrismaClient({ adapter, log: [{ emit: 'event', level: 'query' }] }),
  )
  prisma.$on('query', ({ query, duration }) => {
    expectTypeOf(query).toEqualTypeOf<string>()
    expectTypeOf(duration).toEqualTypeOf<number>()
  })
  // @ts-expect-error it is not logged as an event
  prisma.$on('info', () => {})
}

function refusesWhatDoesNotFit(): void {
  // @ts-expect-error there is no such option
  withConnectionManager(PrismaClient, { poolSise: 3 })
  // @ts-expect-error this is no client
  withConnectionManager({})
  // @ts-expect-error Prisma must not close the pool
  connectionManagerAdapter(manager, { disposeExternalPool: true })
}

export {
  adoptsAClient,
  infersSelections,
  isAPrismaClient,
  isKeptByOnce,
  keepsASubclass,
  keepsEventsOfTheLog,
  keepsExtensions,
  keepsExtensionsOfAClass,
  keepsOmit,
  refusesWhatDoesNotFit,
}
