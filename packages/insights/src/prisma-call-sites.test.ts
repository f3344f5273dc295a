import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { withConnectionManager } from '@connmgr/prisma'
import { type PostgresCluster, startCluster } from '@connmgr/testing'
import { PrismaClient } from '../../prisma/test/generated/client.js'
import { PrismaClient as CopiedRuntimeClient } from '../../prisma/test/js/generated/client.js'
import { lineOf } from '../test/planted.js'
import { POSTS_TABLES } from '../test/posts.js'
import { expectNoNPlusOne, type Insights, insights, type NPlusOneError } from './index.js'

const USERS = 6

let cluster: PostgresCluster
let manager: PgConnectionManager
let watched: Insights
let client: PrismaClient

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query(POSTS_TABLES)
  await cluster.primary.query(
    `insert into "User" (email) select 'u' || n from generate_series(1, ${USERS}) n`,
  )
  await cluster.primary.query(
    `insert into "Post" (title, "authorId") select 'p' || n, n from generate_series(1, ${USERS}) n`,
  )
})
afterAll(() => cluster.stop())

beforeEach(() => {
  manager = createConnectionManager({ databaseUrl: cluster.primary.url(), logger: false })
  watched = insights(manager, { sampleRate: 1 })
})
afterEach(async () => {
  await client.$disconnect()
  await watched.close()
  await manager.close({ drainTimeoutMs: 0 })
})

const at = (mark: string) => ({ file: __filename, line: lineOf(__filename, mark) })

/** The lines that the statements over a table came from. */
function sitesOf(text: RegExp): unknown[] {
  return watched
    .top(100)
    .filter((each) => text.test(each.text))
    .map(({ site }) => ({ file: site?.file, line: site?.line }))
}

type ErrorFormat = 'pretty' | 'colorless' | 'minimal'

function open(errorFormat?: ErrorFormat): PrismaClient {
  return withConnectionManager(
    (adapter) => new PrismaClient({ adapter, ...(errorFormat && { errorFormat }) }),
    manager,
  )
}

/** A client whose errors are as brief as they are in production. */
function openInProduction(): PrismaClient {
  const before = process.env.NODE_ENV
  process.env.NODE_ENV = 'production'
  try {
    return withConnectionManager(PrismaClient, manager)
  } finally {
    process.env.NODE_ENV = before
  }
}

/** As applications chain them: queries that are passed on, results that are computed, methods of models and of clients. */
function extended(): PrismaClient {
  return open('minimal')
    .$extends({
      query: { $allModels: { $allOperations: ({ args, query }) => query(args) } },
    })
    .$extends({
      query: {
        $allOperations: async ({ args, query }) => {
          await new Promise(setImmediate)
          return query(args)
        },
      },
    })
    .$extends({
      result: { user: { label: { needs: { email: true }, compute: ({ email }) => `<${email}>` } } },
      client: { ping: () => 'pong' },
    }) as unknown as PrismaClient
}

describe.each<[string, () => PrismaClient]>([
  ['by default', () => open()],
  ['with errors that are pretty', () => open('pretty')],
  ['with errors that are minimal', () => open('minimal')],
  ['in production', openInProduction],
  ['with extensions', extended],
  ['extended after it was managed twice', () => withConnectionManager(extended(), manager)],
  [
    'with a runtime that is copied beside the client',
    () =>
      withConnectionManager(
        (adapter) => new CopiedRuntimeClient({ adapter, errorFormat: 'minimal' }),
        manager,
      ) as unknown as PrismaClient,
  ],
])('Prisma %s names', (_name, openClient) => {
  beforeEach(() => {
    client = openClient()
  })

  test('a call that is awaited at once', async () => {
    await client.post.findMany() // MARK: awaited at once
    expect(sitesOf(/"Post"/)).toEqual([at('awaited at once')])
  })

  test('a call that is awaited later', async () => {
    const later = client.post.findMany({ take: 2 }) // MARK: awaited later
    await new Promise(setImmediate)
    await later
    expect(sitesOf(/"Post"/)).toEqual([at('awaited later')])
  })

  test('each of several calls that are awaited together', async () => {
    await Promise.all([
      client.user.findMany({ where: { id: 1 } }), // MARK: first together
      client.post.count({ where: { id: 1 } }), // MARK: second together
      client.post.findUnique({ where: { id: 1 } }), // MARK: third together
      client.user.findUnique({ where: { id: 1 } }), // MARK: fourth together
    ])
    expect(sitesOf(/"User"/)).toEqual(
      expect.arrayContaining([at('first together'), at('fourth together')]),
    )
    expect(sitesOf(/"Post"/)).toEqual(
      expect.arrayContaining([at('second together'), at('third together')]),
    )
  })

  test('relations of a unique row, includes and aggregates', async () => {
    await client.user.findUnique({ where: { id: 1 } }).posts() // MARK: of a row
    expect(sitesOf(/"Post"/)).toEqual([at('of a row')])
    watched.reset()
    await client.user.findMany({ include: { posts: true } }) // MARK: included
    expect(sitesOf(/"Post"/)).toEqual([at('included')])
    watched.reset()
    await client.post.groupBy({ by: ['authorId'], _count: true }) // MARK: grouped
    expect(sitesOf(/"Post"/)).toEqual([at('grouped')])
  })

  test('raw queries that are awaited later', async () => {
    const raw = client.$queryRaw`select title from "Post" where id = ${1}` // MARK: one raw
    const unsafe = client.$executeRawUnsafe('update "User" set name = null where id = 0') // MARK: unsafe
    await new Promise(setImmediate)
    await Promise.all([raw, unsafe])
    expect(sitesOf(/"Post"/)).toEqual([at('one raw')])
    expect(sitesOf(/"User"/)).toEqual([at('unsafe')])
  })

  test('a batch by where its calls are written', async () => {
    const batch = [1, 2, 3].map((id) => client.post.findMany({ where: { id } })) // MARK: batched
    await client.$transaction(batch)
    expect(sitesOf(/"Post"/)).toEqual([at('batched')])
  })

  test('what a transaction does, also when it is awaited later or raw', async () => {
    await client.$transaction(async (tx) => {
      await tx.post.update({ where: { id: 1 }, data: { title: 'x' } }) // MARK: in transaction
      const later = tx.user.findMany() // MARK: later in transaction
      await new Promise(setImmediate)
      await later
      const raw = tx.$queryRaw`select count(*) as "Raw" from "Post"` // MARK: raw in transaction
      await new Promise(setImmediate)
      await raw
    })
    expect(new Set(sitesOf(/update "?public"?."?Post|UPDATE.*"Post"/i))).toEqual(
      new Set([at('in transaction')]),
    )
    expect(sitesOf(/"User"/)).toEqual([at('later in transaction')])
    expect(sitesOf(/"Raw"/)).toEqual([at('raw in transaction')])
  })

  test('N+1, also of calls that are collected first', async () => {
    const users = await client.user.findMany()
    const error = await expectNoNPlusOne(async () => {
      for (const { id } of users) {
        const posts = client.post.findMany({ where: { authorId: id } }) // MARK: repeats each
        await Promise.all([posts])
      }
    }).catch((reason) => reason)
    expect((error as NPlusOneError).message).toContain(`${__filename}:${at('repeats each').line}`)
    await watched.scope(() =>
      client.$transaction(async (tx) => {
        for (const { id } of users) await tx.post.findMany({ where: { authorId: id } }) // MARK: repeats in transaction
      }),
    )
    expect(watched.nPlusOne().map(({ site }) => site.line)).toContain(
      at('repeats in transaction').line,
    )
  })
})

test('a query that an extension sends by itself is named by its own line', async () => {
  client = open('minimal')
  const audited = client.$extends({
    query: {
      user: {
        async findMany({ args, query }) {
          await client.post.count() // MARK: of the extension
          return query(args)
        },
      },
    },
  })
  await audited.user.findMany() // MARK: extended call
  expect(sitesOf(/"Post"/)).toEqual([at('of the extension')])
  expect(sitesOf(/"User"/)).toEqual([at('extended call')])
})

test('requests that run in one tick keep what each repeats to themselves', async () => {
  client = open('minimal')
  const request = () =>
    watched.scope(async () => {
      for (let id = 1; id <= 4; id += 1)
        await client.post.findUnique({ where: { id }, select: { title: true } })
    })
  // Of two requests at once, neither reads as often as is N+1; both together do.
  await Promise.all([request(), request()])
  expect(watched.nPlusOne()).toEqual([])
})

test('what an error says of its place is the same as without insights', async () => {
  const fail = (prisma: PrismaClient) =>
    prisma.user.create({ data: { email: 'u1' } }).catch(({ message }: Error) => message)
  client = open('pretty')
  const seen = await fail(client)
  watched.pause()
  expect(seen).toBe(await fail(client))
  expect(seen).toContain('prisma-call-sites.test.ts')
})

test('a manager that came after $disconnect() is watched like the first', async () => {
  const own = withConnectionManager(PrismaClient, {
    databaseUrl: cluster.primary.url(),
    logger: false,
  })
  client = own
  await own.user.count()
  await own.$disconnect()
  await own.user.count()
  watched = insights(own.$connections, { sampleRate: 1 })
  const later = own.user.findMany() // MARK: after reopening
  await new Promise(setImmediate)
  await later
  expect(sitesOf(/"User"/)).toEqual([at('after reopening')])
})
