import { createConnectionManager, type MysqlConnectionManager } from '@connmgr/mysql'
import { withConnectionManager } from '@connmgr/prisma'
import { describeEachProduct, type MysqlCluster } from '@connmgr/testing'
import { Prisma, PrismaClient } from '../test/mariadb/generated/client.js'
import { openPlain, startShop } from '../test/mariadb/shop.js'

type Row = Prisma.SampleCreateInput

const ROWS: readonly Row[] = [
  {},
  {
    int: -7,
    unsigned: 2_147_483_647,
    tiny: 1,
    big: 2n ** 63n - 1n,
    float: 1.1,
    single: 0.5,
    decimal: new Prisma.Decimal('1234567890.0625'),
    flag: true,
    text: 'Grüße, "Ada" \\ \' %',
    long: 'x'.repeat(5000),
    kind: 'small',
    at: new Date('2026-02-03T04:05:06.789Z'),
    stamp: new Date('2026-02-03T04:05:06Z'),
    day: new Date('2026-02-03'),
    time: new Date('1970-01-01T04:05:06Z'),
    year: 2026,
    bytes: new Uint8Array([0, 1, 255]),
    bits: new Uint8Array([5]),
    json: { a: [1, null, 'ü'] },
  },
  { big: -(2n ** 62n), flag: false, text: '', bytes: new Uint8Array(0), json: [], kind: 'large' },
]

const QUERIES: readonly string[] = [
  'select * from Sample order by id',
  'select count(*) as n, max(`float`) as f, sum(`int`) as s, avg(tiny) as a, min(text) as t from Sample',
  "select 1 as n, 1.5 as f, 'x' as t, null as nil, now() > '2000-01-01' as b",
  'select id as same, `int` as same from Sample order by id',
  'select `int` from Sample where id = -1',
  'select cast(at as char) as at, cast(stamp as char) as stamp, cast(day as char) as day, cast(time as char) as time, cast(json as char) as json, hex(bytes) as bytes from Sample order by id',
]

/** Writes and reads all kinds of values by one client. */
async function fill(prisma: PrismaClient): Promise<unknown[]> {
  const seen: unknown[] = []
  for (const data of ROWS) seen.push(await prisma.sample.create({ data }))
  seen.push(await prisma.sample.updateMany({ where: { int: -7 }, data: { int: { increment: 1 } } }))
  seen.push(await prisma.sample.findMany({ where: { at: { gte: new Date('2000-01-01') } } }))
  seen.push(await prisma.sample.findMany({ where: { bytes: new Uint8Array([0, 1, 255]) } }))
  seen.push(await prisma.sample.findMany({ orderBy: { id: 'asc' }, skip: 1, take: 1 }))
  seen.push(await prisma.sample.findMany({ where: { big: { gt: 2n ** 60n } } }))
  seen.push(await prisma.sample.aggregate({ _sum: { int: true, float: true }, _max: { at: true } }))
  seen.push(await prisma.$executeRaw`update Sample set text = ${'y'} where text = ${''}`)
  seen.push(await prisma.$queryRaw`select id from Sample where id > ${1} limit ${1}`)
  return seen
}

async function read(prisma: PrismaClient): Promise<unknown[]> {
  const seen: unknown[] = [await prisma.sample.findMany({ orderBy: { id: 'asc' } })]
  for (const query of QUERIES) seen.push(await prisma.$queryRawUnsafe(query))
  return seen
}

describeEachProduct('values of Prisma', ({ start }) => {
  let cluster: MysqlCluster
  let manager: MysqlConnectionManager
  beforeAll(async () => {
    cluster = await startShop(start)
    manager = createConnectionManager({ databaseUrl: cluster.primary.url(), logger: false })
  })
  afterAll(async () => {
    await manager.close()
    await cluster.stop()
  })

  test("are stored, and read again, as by Prisma's own adapter", async () => {
    const prisma = withConnectionManager(PrismaClient, manager)
    const plain = openPlain(cluster)
    const written = await fill(plain)
    const stored = await read(plain)
    expect(await read(prisma)).toEqual(stored)
    await cluster.primary.query('truncate Sample')
    expect(await fill(prisma)).toEqual(written)
    expect(await read(plain)).toEqual(stored)
    await prisma.$disconnect()
    await plain.$disconnect()
  })

  test('options of the connections change none of them', async () => {
    await cluster.primary.query('truncate Sample')
    await using other = createConnectionManager({
      databaseUrl: cluster.primary.url(),
      connectionConfig: { timezone: '+05:00', decimalNumbers: true, rowsAsArray: false },
      logger: false,
    })
    const [prisma, changed] = [manager, other].map((each) =>
      withConnectionManager(PrismaClient, each),
    ) as unknown as [PrismaClient, PrismaClient]
    const written = await fill(prisma)
    await cluster.primary.query('truncate Sample')
    expect(await fill(changed)).toEqual(written)
    expect(await read(changed)).toEqual(await read(prisma))
    await prisma.$disconnect()
    await changed.$disconnect()
  })
})
