import assert from 'node:assert/strict'
import { notedOrigin, userPath } from '@connmgr/core/driver'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import {
  connectionManagerAdapter,
  type Managed,
  replayTransaction,
  withConnectionManager,
} from '@connmgr/prisma'
import { expectAllReturned, expectNamedLeak, sameType, WATCHFUL } from './expect.js'
import { Prisma, PrismaClient } from './generated/client.js'

/** As a service of Nest is written. */
class PrismaService extends PrismaClient {
  async onModuleInit(): Promise<void> {
    await this.$connect()
  }

  hello(): string {
    return 'hello'
  }
}

class OwnService extends PrismaClient {
  declare readonly $connections: PgConnectionManager

  constructor() {
    super({ adapter: connectionManagerAdapter(WATCHFUL) })
    withConnectionManager(this)
  }
}

const prisma = withConnectionManager(PrismaClient, WATCHFUL)
const asPrisma: PrismaClient = prisma
sameType<typeof prisma, Managed<PrismaClient>>()
sameType<typeof prisma.$connections, PgConnectionManager>()
const misspelt = [
  // @ts-expect-error it is called poolSize
  () => withConnectionManager(PrismaClient, { poolsize: 5 }),
  // @ts-expect-error there is no such model
  () => prisma.nonsense,
  // @ts-expect-error there is no such field
  () => prisma.user.findMany({ select: { nonsense: true } }),
]

async function main(): Promise<void> {
  assert.equal(misspelt.length, 3)
  assert(prisma instanceof PrismaClient && asPrisma instanceof PrismaClient)
  await prisma.$executeRaw`create table "User" (id serial primary key, email text not null unique)`
  await prisma.user.create({ data: { email: 'ada@example.org' } })
  const found = await prisma.user.findMany({ select: { email: true } })
  sameType<typeof found, { email: string }[]>()
  assert.deepEqual(found, [{ email: 'ada@example.org' }])

  const failure = new Error('second thoughts')
  await assert.rejects(
    prisma.$transaction(async (tx) => {
      await tx.user.create({ data: { email: 'nobody@example.org' } })
      throw failure
    }),
    failure,
  )
  const count = await replayTransaction(prisma, (tx) => tx.user.count())
  sameType<typeof count, number>()
  assert.equal(count, 1)
  await assert.rejects(prisma.user.create({ data: { email: 'ada@example.org' } }), (error) => {
    assert(error instanceof Prisma.PrismaClientKnownRequestError)
    return error.code === 'P2002'
  })
  await expectNamedLeak(prisma.$connections, async function forgetful() {
    const client = await prisma.$connections.pool.connect()
    return () => client.release()
  })
  expectAllReturned(prisma.$connections)

  const extended = withConnectionManager(prisma.$extends({ client: { answer: (): number => 42 } }))
  sameType<typeof extended.$connections, PgConnectionManager>()
  assert.equal(extended.answer(), 42)
  assert.equal(extended.$connections, prisma.$connections)
  assert.equal(await extended.user.count(), 1)

  await prisma.$disconnect()
  assert(prisma.$connections.closed)
  assert.equal(await prisma.user.count(), 1)
  assert.equal(prisma.$connections.closed, false)
  await prisma.$disconnect()
  await services()
}

async function services(): Promise<void> {
  const manager = createConnectionManager(WATCHFUL)
  const service = withConnectionManager(PrismaService, manager)
  const asService: PrismaService = service
  await service.onModuleInit()
  assert.equal(asService.hello(), 'hello')
  assert(service instanceof PrismaService && service instanceof PrismaClient)
  assert.equal(await asService.user.count(), 1)
  await service.$disconnect()

  const own = new OwnService()
  assert(own instanceof OwnService)
  assert.equal(await own.user.count(), 1)
  expectAllReturned(own.$connections)
  await own.$disconnect()

  const queries: string[] = []
  const logging = withConnectionManager(
    (adapter) => new PrismaClient({ adapter, log: [{ emit: 'event', level: 'query' }] }),
    manager,
  )
  logging.$on('query', (event) => queries.push(event.query))
  const omitting = withConnectionManager(
    (adapter) => new PrismaClient({ adapter, omit: { user: { email: true } } }),
    manager,
  )
  await logging.user.count()
  assert.equal(queries.length, 1)
  const user = await omitting.user.findFirstOrThrow()
  sameType<typeof user, { id: number }>()
  assert.deepEqual(user, { id: 1 })
  await Promise.all([logging.$disconnect(), omitting.$disconnect()])
  await namedCalls(manager)
  await manager.close()
}

/** Each statement leads to the function that wrote its call, wherever that is awaited. */
async function namedCalls(manager: PgConnectionManager): Promise<void> {
  const brief = withConnectionManager(
    (adapter) => new PrismaClient({ adapter, errorFormat: 'minimal' }),
    manager,
  )
  const callers: (string | undefined)[] = []
  const end = manager.observeQueries({
    started({ text }) {
      const origin = /"User"/.test(text) ? notedOrigin() : undefined
      if (origin?.exact && origin.stack !== undefined)
        callers.push(userPath(origin.stack, 1)[0]?.functionName)
    },
  })
  const count = function counts() {
    return brief.user.count()
  }
  const raw = function asksRaw() {
    return brief.$queryRaw`select count(*) from "User"`
  }
  const later = [count(), raw()]
  await new Promise(setImmediate)
  for (const each of later) await each
  await brief.$transaction(async (tx) => {
    const inside = function findsInside() {
      return tx.user.findMany()
    }
    const one = function findsOneInside() {
      return tx.user.findUnique({ where: { id: 1 } })
    }
    for (const each of [inside(), one()]) await each
  })
  end()
  assert.deepEqual(callers, ['counts', 'asksRaw', 'findsInside', 'findsOneInside'])
  await brief.$disconnect()
}

void main()
