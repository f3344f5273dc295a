import { connectionManagerAdapter, withConnectionManager } from '@connmgr/prisma'
import { createConnectionManager, type SqliteLibrary } from '@connmgr/sqlite'
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import { PrismaLibSql } from '@prisma/adapter-libsql'
import { Files } from '../../sqlite/test/files.js'
import { INSTALLED } from '../../sqlite/test/libraries.js'
import { Prisma, PrismaClient } from '../test/sqlite/generated/client.js'
import { createShop, openPlain } from '../test/sqlite/shop.js'

const files = new Files()
afterAll(() => files.remove())

type Row = Prisma.SampleCreateInput

const ROWS: readonly Row[] = [
  {},
  {
    int: 7,
    big: 7n,
    float: 1.5,
    decimal: new Prisma.Decimal('12.25'),
    flag: true,
    text: 'Ada',
    at: new Date('2026-02-03T04:05:06.789Z'),
    bytes: new Uint8Array([0, 1, 255]),
    json: { a: [1, null, 'x'] },
  },
  {
    int: -2_147_483_648,
    big: -(2n ** 53n) + 1n,
    float: -0.1,
    decimal: new Prisma.Decimal('-0.5'),
    flag: false,
    text: '',
    at: new Date(0),
    bytes: new Uint8Array(0),
    json: [],
  },
  {
    float: 3,
    decimal: new Prisma.Decimal(3),
    text: '5',
    json: 'text',
    bytes: new Uint8Array(5000),
  },
]

const QUERIES: readonly string[] = [
  'select * from Sample order by id',
  'select count(*) as n, max(float) as f, sum(int) as s, min(text) as t from Sample',
  "select 1 as n, 1.5 as f, 'x' as t, null as nil",
  'select id as same, int as same from Sample order by id',
  'select int from Sample where id = -1',
  'select typeof(at) as at, typeof(big) as big, typeof(decimal) as d, typeof(flag) as f, typeof(json) as j from Sample order by id',
]

/** Writes and reads all kinds of values by one client. */
async function fill(prisma: PrismaClient): Promise<unknown[]> {
  const seen: unknown[] = []
  for (const data of ROWS) seen.push(await prisma.sample.create({ data }))
  seen.push(await prisma.sample.updateMany({ where: { int: 7 }, data: { big: { increment: 1n } } }))
  seen.push(await prisma.sample.findMany({ where: { at: { gte: new Date('2000-01-01') } } }))
  seen.push(await prisma.sample.findMany({ where: { bytes: new Uint8Array([0, 1, 255]) } }))
  seen.push(await prisma.sample.aggregate({ _sum: { int: true, float: true }, _max: { at: true } }))
  seen.push(await prisma.$executeRaw`update Sample set text = ${'y'} where text = ${'Ada'}`)
  seen.push(await prisma.$queryRaw`select ${5} as i, ${1.5} as f, ${'x'} as t, ${true} as b`)
  seen.push(await prisma.$queryRaw`select id from Sample where at = ${new Date(0)}`)
  return seen
}

async function read(prisma: PrismaClient): Promise<unknown[]> {
  const seen: unknown[] = [await prisma.sample.findMany({ orderBy: { id: 'asc' } })]
  for (const query of QUERIES) seen.push(await prisma.$queryRawUnsafe(query))
  return seen
}

async function shop(library: SqliteLibrary) {
  const filename = files.path()
  const manager = createConnectionManager({ filename, library, logger: false })
  await createShop(manager)
  return { filename, manager, plain: openPlain(library, filename) }
}

describe.each(INSTALLED)('over %s', (library) => {
  test("values are stored, and read again, as by Prisma's own adapter", async () => {
    const [ours, theirs] = [await shop(library), await shop(library)]
    const prisma = withConnectionManager(PrismaClient, ours.manager)
    expect(await fill(prisma)).toEqual(await fill(theirs.plain))
    const expected = await read(theirs.plain)
    expect(await read(prisma)).toEqual(expected)
    // What the one has written, the other reads.
    expect(await read(ours.plain)).toEqual(expected)
    for (const each of [prisma, ours.plain, theirs.plain]) await each.$disconnect()
    await Promise.all([ours.manager.close(), theirs.manager.close()])
  })

  test('dates may be stored as milliseconds', async () => {
    const { filename, manager } = await shop(library)
    const options = { timestampFormat: 'unixepoch-ms' } as const
    const prisma = new PrismaClient({ adapter: connectionManagerAdapter(manager, options) })
    const at = new Date('2026-02-03T04:05:06.789Z')
    await prisma.sample.create({ data: { at } })
    const url = `file:${filename}`
    const plain = new PrismaClient({
      adapter:
        library === 'libsql'
          ? new PrismaLibSql({ url }, options)
          : new PrismaBetterSqlite3({ url }, options),
    })
    const stored = 'select at, typeof(at) as type from Sample'
    expect(await prisma.$queryRawUnsafe(stored)).toEqual(await plain.$queryRawUnsafe(stored))
    expect(await prisma.sample.findFirst({ where: { at } })).toEqual(
      await plain.sample.findFirstOrThrow({ where: { at } }),
    )
    await Promise.all([prisma.$disconnect(), plain.$disconnect()])
    await manager.close()
  })

  test('integers beyond 2^53 are read whole', async () => {
    const { manager, filename, plain } = await shop(library)
    await using wide = createConnectionManager({
      filename,
      library,
      intMode: 'bigint',
      logger: false,
    })
    const prisma = withConnectionManager(PrismaClient, wide)
    const big = 2n ** 63n - 1n
    expect(await prisma.sample.create({ data: { big } })).toMatchObject({ big })
    expect(await prisma.sample.findFirst({ where: { big } })).toMatchObject({ big })
    await Promise.all([prisma.$disconnect(), plain.$disconnect()])
    await manager.close()
  })
})

test('bytes of an expression are read', async () => {
  const [library] = INSTALLED
  const { manager } = await shop(library as SqliteLibrary)
  const prisma = withConnectionManager(PrismaClient, manager)
  expect(await prisma.$queryRaw`select x'0102' as b`).toEqual([{ b: new Uint8Array([1, 2]) }])
  await prisma.$disconnect()
  await manager.close()
})

test('a level that SQLite does not have is refused as Prisma refuses it', async () => {
  const [library] = INSTALLED
  const { manager, plain } = await shop(library as SqliteLibrary)
  const prisma = withConnectionManager(PrismaClient, manager)
  const begin = (client: PrismaClient) =>
    client
      .$transaction(async () => {}, { isolationLevel: 'ReadCommitted' as 'Serializable' })
      .then(
        () => undefined,
        (error: unknown) => (error as { code?: unknown; name: string }).code ?? String(error),
      )
  expect(await begin(prisma)).toEqual(await begin(plain))
  await Promise.all([prisma.$disconnect(), plain.$disconnect()])
  await manager.close()
})

test('a manager that reads integers as texts is refused', () => {
  expect(() => connectionManagerAdapter({ filename: ':memory:', intMode: 'string' })).toThrow(
    expect.objectContaining({ code: 'CONNMGR_INVALID_OPTION', option: 'intMode' }),
  )
})

test('the database is the one that the URL names', () => {
  const provider = (databaseUrl: string): string => {
    const adapter = connectionManagerAdapter({ databaseUrl })
    void adapter.release()
    return adapter.provider
  }
  expect(['file:a.db', 'sqlite:a.db', ':memory:', 'postgres://h/d'].map(provider)).toEqual([
    'sqlite',
    'sqlite',
    'sqlite',
    'postgres',
  ])
})
