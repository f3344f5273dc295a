import { describeEachProduct, type MysqlCluster, Opened } from '@connmgr/testing'
import { PrismaMariaDb } from '@prisma/adapter-mariadb'
import { createConnectionManager, type MysqlConnectionManager } from '../index.js'
import { MariadbPool } from './mariadb-pool.js'

describeEachProduct('a pool for the Prisma adapter of MariaDB', ({ start }) => {
  let cluster: MysqlCluster
  let manager: MysqlConnectionManager
  const opened = new Opened()

  beforeAll(async () => {
    cluster = await start()
    await cluster.primary.query(`create table every_type (
      id bigint auto_increment primary key, tiny tinyint, small smallint, mid mediumint, whole int, positive int unsigned,
      big bigint unsigned, price decimal(20, 4), half float, full double, at datetime(3), stamped timestamp null, day date,
      hour time, year_of year, word varchar(20), words text, bytes blob, bits bit(4), kind enum('a', 'b'), data json, flag tinyint(1)
    ) engine=innodb charset=utf8mb4`)
    manager = opened.add(
      createConnectionManager({ databaseUrl: cluster.primary.url(), logger: false }),
    )
  })
  afterAll(async () => {
    await opened.close()
    await cluster?.stop()
  })

  const both = (): { ours: PrismaMariaDb; theirs: PrismaMariaDb } => ({
    ours: new PrismaMariaDb(new MariadbPool(manager.pool) as never, { database: 'app' }),
    theirs: new PrismaMariaDb(
      `${cluster.primary.url().replace('mysql:', 'mariadb:')}?allowPublicKeyRetrieval=true`,
      {
        database: 'app',
      },
    ),
  })
  const scalar = (scalarType: string, dbType?: string) => ({
    scalarType,
    ...(dbType === undefined ? {} : { dbType }),
    arity: 'scalar',
  })

  test('gives the adapter what the connector gives it, of every type', async () => {
    const { ours, theirs } = both()
    const [mine, its] = [await ours.connect(), await theirs.connect()]
    const insert = {
      sql: `insert into every_type (tiny, small, mid, whole, positive, big, price, half, full, at, stamped, day, hour, year_of, word, words, bytes, bits, kind, data, flag)
        values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      args: [
        -5,
        300,
        70000,
        -2000000000,
        4000000000,
        '18446744073709551615',
        '12345.6789',
        1.5,
        2.25,
        '2026-11-27T10:11:12.345Z',
        '2026-11-27T10:11:12.000Z',
        '2026-11-27T00:00:00.000Z',
        '1970-01-01T10:11:12.000Z',
        2026,
        "it's \\ é€😀",
        'long',
        'AAEC',
        5,
        'b',
        '{"a":[1,"x"]}',
        true,
      ],
      argTypes: [
        ...Array.from({ length: 5 }, () => scalar('int')),
        scalar('bigint'),
        scalar('decimal'),
        scalar('float'),
        scalar('float'),
        scalar('datetime', 'DATETIME'),
        scalar('datetime', 'TIMESTAMP'),
        scalar('datetime', 'DATE'),
        scalar('datetime', 'TIME'),
        scalar('int'),
        scalar('string'),
        scalar('string'),
        scalar('bytes'),
        scalar('int'),
        scalar('enum'),
        scalar('json'),
        scalar('boolean'),
      ],
    }
    const counts = [await mine.executeRaw(insert as never), await its.executeRaw(insert as never)]
    expect(counts).toEqual([1, 1])
    for (const sql of [
      'select * from every_type order by id limit 1 offset 0',
      'select * from every_type order by id limit 1 offset 1',
      'select count(*) as n, sum(price) as total, max(at), null as nothing, 1 = 1 from every_type',
      'select * from every_type where id = 0',
    ]) {
      const query = { sql, args: [], argTypes: [] }
      expect(await mine.queryRaw(query as never)).toEqual(await its.queryRaw(query as never))
    }
    const limited = {
      sql: 'select word from every_type where whole = ? limit ?',
      args: [-2000000000, 1],
      argTypes: [scalar('int'), scalar('int')],
    }
    expect(await mine.queryRaw(limited as never)).toEqual(await its.queryRaw(limited as never))
    await its.dispose()
  })

  test('commits and rolls back, and tells of errors by their numbers', async () => {
    const adapter = await both().ours.connect()
    const query = (sql: string) => ({ sql, args: [], argTypes: [] }) as never
    const count = async (): Promise<unknown> =>
      (await adapter.queryRaw(query('select count(*) from every_type'))).rows[0]?.[0]
    const before = Number(await count())
    const committed = await adapter.startTransaction('SERIALIZABLE' as never)
    expect(
      await committed.queryRaw(query("insert into every_type (word) values ('kept')")),
    ).toMatchObject({ lastInsertId: expect.any(String) })
    await committed.commit()
    const undone = await adapter.startTransaction()
    await undone.executeRaw(query("insert into every_type (word) values ('undone')"))
    await undone.rollback()
    expect(Number(await count())).toBe(before + 1)
    await expect(
      adapter.executeRaw(query('insert into every_type (id) values (1)')),
    ).rejects.toMatchObject({
      cause: { originalCode: '1062', kind: 'UniqueConstraintViolation' },
    })
    expect(manager.getPoolMetrics().checkedOut).toBe(0)
  })
})
