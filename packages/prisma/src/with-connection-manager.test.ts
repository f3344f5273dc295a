import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { connectionManagerAdapter, withConnectionManager } from '@connmgr/prisma'
import type { PostgresCluster } from '@connmgr/testing'
import { PrismaPg } from '@prisma/adapter-pg'
import { Prisma, PrismaClient } from '../test/generated/client.js'
import { clearShop, startShop } from '../test/shop.js'

let cluster: PostgresCluster
let manager: PgConnectionManager
/** Clients to disconnect after each test. */
const clients: { $disconnect(): Promise<void> }[] = []

function opened<P extends { $disconnect(): Promise<void> }>(client: P): P {
  clients.push(client)
  return client
}

beforeAll(async () => {
  cluster = await startShop()
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    poolSize: 4,
    maxOverflow: 0,
    logger: false,
  })
})
afterEach(async () => {
  for (const client of clients.splice(0)) await client.$disconnect()
  await clearShop(cluster)
})
afterAll(async () => {
  await manager.close()
  await cluster.stop()
})

const ada = { email: 'ada@example.org', posts: { create: [{ title: 'a' }, { title: 'b' }] } }

describe('a managed client', () => {
  it('creates, reads, updates and deletes through its models', async () => {
    const prisma = opened(withConnectionManager(PrismaClient, manager))
    const { id } = await prisma.user.create({ data: { email: 'ada@example.org' } })
    await prisma.user.update({ where: { id }, data: { name: 'Ada' } })
    expect(await prisma.user.findMany({ select: { name: true } })).toEqual([{ name: 'Ada' }])
    await prisma.user.delete({ where: { id } })
    expect(await prisma.user.count()).toBe(0)
    expect(prisma.$connections).toBe(manager)
  })

  it('writes nested records, and reads them with include and select', async () => {
    const prisma = opened(withConnectionManager(PrismaClient, manager))
    const user = await prisma.user.create({ data: ada, include: { posts: true } })
    expect(user.posts.map(({ title, published }) => ({ title, published }))).toEqual([
      { title: 'a', published: false },
      { title: 'b', published: false },
    ])
    const selected = await prisma.user.findFirst({
      select: { posts: { select: { title: true }, orderBy: { title: 'desc' } } },
    })
    expect(selected).toEqual({ posts: [{ title: 'b' }, { title: 'a' }] })
  })

  it('writes no part of a nested write that fails', async () => {
    const prisma = opened(withConnectionManager(PrismaClient, manager))
    await prisma.user.create({ data: ada })
    await expect(
      prisma.post.create({ data: { title: 'c', author: { create: { email: ada.email } } } }),
    ).rejects.toMatchObject({ code: 'P2002' })
    expect(await prisma.post.count()).toBe(2)
  })

  it('commits an interactive transaction that resolves', async () => {
    const prisma = opened(withConnectionManager(PrismaClient, manager))
    const title = await prisma.$transaction(
      async (tx) => {
        const { id } = await tx.user.create({ data: { email: 'ada@example.org' } })
        return (await tx.post.create({ data: { title: 'a', authorId: id } })).title
      },
      { isolationLevel: Prisma.TransactionIsolationLevel.Serializable },
    )
    expect(title).toBe('a')
    expect(await prisma.user.count()).toBe(1)
  })

  it('rolls an interactive transaction back when it rejects, and gives its connection back', async () => {
    const prisma = opened(withConnectionManager(PrismaClient, manager))
    const failure = new Error('no')
    await expect(
      prisma.$transaction(async (tx) => {
        await tx.user.create({ data: ada })
        throw failure
      }),
    ).rejects.toBe(failure)
    expect(await prisma.user.count()).toBe(0)
    expect(manager.getPoolMetrics().checkedOut).toBe(0)
  })

  it('rolls a nested transaction back on its own', async () => {
    const prisma = opened(withConnectionManager(PrismaClient, manager))
    await prisma.$transaction(async (tx) => {
      await tx.user.create({ data: { email: 'outer@example.org' } })
      const inner = tx.$transaction(async (nested) => {
        await nested.user.create({ data: { email: 'inner@example.org' } })
        throw new Error('no')
      })
      await expect(inner).rejects.toThrow('no')
    })
    expect(await prisma.user.findMany({ select: { email: true } })).toEqual([
      { email: 'outer@example.org' },
    ])
  })

  it('runs a batch in one transaction', async () => {
    const prisma = opened(withConnectionManager(PrismaClient, manager))
    const [user, count] = await prisma.$transaction([
      prisma.user.create({ data: ada }),
      prisma.post.count(),
    ])
    expect(user.email).toBe(ada.email)
    expect(count).toBe(2)
    await expect(
      prisma.$transaction([
        prisma.user.create({ data: { email: 'bob@example.org' } }),
        prisma.user.create({ data: { email: ada.email } }),
      ]),
    ).rejects.toMatchObject({ code: 'P2002' })
    expect(await prisma.user.count()).toBe(1)
  })

  it('sends raw statements and queries', async () => {
    const prisma = opened(withConnectionManager(PrismaClient, manager))
    const name = 'Ada'
    expect(
      await prisma.$executeRaw`insert into "User" (email, name) values ('ada@example.org', ${name})`,
    ).toBe(1)
    expect(await prisma.$queryRaw`select name from "User" where name = ${name}`).toEqual([{ name }])
    expect(await prisma.$queryRawUnsafe('select $1::int + 1 as n', 41)).toEqual([{ n: 42 }])
  })

  it('still reads many records by id with one query', async () => {
    const sent: string[] = []
    const prisma = opened(
      withConnectionManager((adapter) => {
        const client = new PrismaClient({ adapter, log: [{ emit: 'event', level: 'query' }] })
        client.$on('query', ({ query }) => sent.push(query))
        return client
      }, manager),
    )
    await prisma.$transaction([
      prisma.user.create({ data: { id: 1, email: '1@example.org' } }),
      prisma.user.create({ data: { id: 2, email: '2@example.org' } }),
    ])
    sent.length = 0
    const users = await Promise.all(
      [1, 2].map((id) => prisma.user.findUnique({ where: { id }, select: { email: true } })),
    )
    expect(users).toEqual([{ email: '1@example.org' }, { email: '2@example.org' }])
    expect(sent).toHaveLength(1)
  })
})

describe('extensions', () => {
  it('stay in force inside a transaction, before and after ours', async () => {
    const operations: string[] = []
    const early = new PrismaClient({ adapter: connectionManagerAdapter(manager) }).$extends({
      result: {
        user: { shout: { needs: { email: true }, compute: ({ email }) => email.toUpperCase() } },
      },
    })
    const prisma = opened(withConnectionManager(early)).$extends({
      query: {
        $allModels: {
          $allOperations({ operation, args, query }) {
            operations.push(operation)
            return query(args)
          },
        },
      },
      client: { answer: () => 42 },
    })
    const shout = await prisma.$transaction(async (tx) => {
      await tx.user.create({ data: { email: 'ada@example.org' } })
      return (await tx.user.findFirstOrThrow()).shout
    })
    expect(shout).toBe('ADA@EXAMPLE.ORG')
    expect(operations).toEqual(['create', 'findFirstOrThrow'])
    expect(prisma.answer()).toBe(42)
    expect(prisma.$connections).toBe(manager)
  })
})

describe('what it is given', () => {
  it('may be a function that makes the client', async () => {
    const prisma = opened(
      withConnectionManager(
        (adapter) => new PrismaClient({ adapter, omit: { user: { email: true } } }),
        manager,
      ),
    )
    await prisma.user.create({ data: ada })
    expect(await prisma.user.findFirst()).toEqual({ id: 1, name: null })
  })

  it('may be a client that uses our adapter already', async () => {
    const client = new PrismaClient({ adapter: connectionManagerAdapter(manager) })
    const prisma = opened(withConnectionManager(client))
    expect(prisma.$connections).toBe(manager)
    expect(await prisma.user.count()).toBe(0)
  })

  it('may be a subclass', async () => {
    class Shop extends PrismaClient {}
    const prisma = opened(withConnectionManager(Shop, manager))
    expect(await prisma.user.count()).toBe(0)
  })

  it.each([
    [
      'a client with another adapter',
      () => withConnectionManager(new PrismaClient({ adapter: new PrismaPg('postgres://h/d') })),
    ],
    [
      'a function that makes its own adapter',
      () =>
        withConnectionManager(
          () => new PrismaClient({ adapter: new PrismaPg('postgres://h/d') }),
          manager,
        ),
    ],
    ['nothing', () => withConnectionManager(undefined as unknown as PrismaClient)],
  ])('must not be %s: it says what to write', (_, make) => {
    expect(make).toThrow(
      expect.objectContaining({
        code: 'CONNMGR_INVALID_OPTION',
        option: 'client',
        message: expect.stringContaining(
          'write withConnectionManager(PrismaClient, options), or withConnectionManager((adapter) => new PrismaClient({ adapter, ... }), options)',
        ),
      }),
    )
  })

  it('must not name a second manager for a client that has one', () => {
    const client = new PrismaClient({ adapter: connectionManagerAdapter(manager) })
    const overload = withConnectionManager as (client: unknown, options: unknown) => unknown
    expect(() => overload(client, { poolSize: 1 })).toThrow(/has a manager already/)
    expect(() => overload(client, manager)).not.toThrow()
  })
})
