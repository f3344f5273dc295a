import { readFileSync } from 'node:fs'
import path from 'node:path'
import Database from 'better-sqlite3'
import { DataSource } from 'typeorm'
import { Files } from '../../../sqlite/test/files.js'
import { Author, ENTITIES, Post } from '../../test/entities.js'
import {
  attachConnectionManager,
  getConnections,
  type SqliteDataSourceOptions,
  withConnectionManager,
} from '../index.js'

const files = new Files()
const opened: DataSource[] = []
afterEach(async () => {
  for (const each of opened.splice(0)) if (each.isInitialized) await each.destroy()
})
afterAll(() => files.remove())

const options = (more: object = {}): SqliteDataSourceOptions => ({
  type: 'better-sqlite3',
  database: files.path(),
  entities: ENTITIES,
  synchronize: true,
  ...more,
})

function open(given: SqliteDataSourceOptions): Promise<DataSource> {
  const dataSource = new DataSource(given)
  opened.push(dataSource)
  return dataSource.initialize()
}

const managed = (more: object = {}, manager: object = {}): Promise<DataSource> =>
  open(withConnectionManager(options(more), { logger: false, ...manager }))

const names = async (dataSource: DataSource): Promise<string[]> =>
  (await dataSource.getRepository(Author).find({ order: { id: 'ASC' } })).map(({ name }) => name)

/** One caller undoes its transaction, while another, who has nothing to do with it, writes. */
async function undoBesideAnother(dataSource: DataSource): Promise<void> {
  const mine = dataSource.createQueryRunner()
  await mine.startTransaction()
  await mine.manager.insert(Author, { name: 'undone' })
  const another = dataSource.getRepository(Author).insert({ name: 'acknowledged' })
  // TypeORM alone is done with it here; ours waits for the transaction to end.
  await Promise.race([another, new Promise((resolve) => setImmediate(resolve))])
  await mine.rollbackTransaction()
  await mine.release()
  await another
}

describe('transactions of several callers', () => {
  test('are one with TypeORM alone, so that a rollback takes the acknowledged write of another with it', async () => {
    const plain = await open(options())
    await undoBesideAnother(plain)
    expect(await names(plain)).toEqual([])
  })

  test('are each for itself under connmgr', async () => {
    const dataSource = await managed()
    await undoBesideAnother(dataSource)
    expect(await names(dataSource)).toEqual(['acknowledged'])
  })

  test('of 50 callers fail or mix with TypeORM alone', async () => {
    const plain = await open(options())
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, caller) =>
        plain.transaction(async (entities) => {
          await entities.insert(Author, { name: `of ${caller}` })
          await entities.count(Post)
          if (caller % 2 === 1) throw new Error('second thoughts')
        }),
      ),
    )
    const kept = outcomes.flatMap(({ status }, n) => (status === 'fulfilled' ? [`of ${n}`] : []))
    expect([kept.length, (await names(plain)).sort()]).not.toEqual([
      25,
      Array.from({ length: 25 }, (_, n) => `of ${n * 2}`).sort(),
    ])
  })

  test('wait for the lock that another process would hold, with the event loop going on', async () => {
    const given = options()
    const dataSource = await open(withConnectionManager(given, { logger: false }))
    const other = new Database(given.database, { timeout: 0 })
    other.exec('begin immediate')
    const writing = dataSource.transaction((entities) => entities.insert(Author, { name: 'Ada' }))
    await new Promise((resolve) => setImmediate(resolve))
    other.exec('commit')
    other.close()
    await writing
    expect(await names(dataSource)).toEqual(['Ada'])
  })

  test('that wait too long say who holds the writer', async () => {
    const dataSource = await managed({}, { acquireTimeoutMs: 50 })
    const queryRunner = dataSource.createQueryRunner()
    await queryRunner.startTransaction()
    const error = await dataSource
      .getRepository(Author)
      .insert({ name: 'Ada' })
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'CONNMGR_ACQUIRE_TIMEOUT',
      message: expect.stringMatching(/sqlite\.test\.ts:\d+/),
    })
    await queryRunner.release()
  })

  test('that are begun and ended by SQL of one query runner have a connection of their own', async () => {
    const dataSource = await managed()
    const queryRunner = dataSource.createQueryRunner()
    await queryRunner.query('BEGIN')
    await queryRunner.manager.insert(Author, { name: 'Ada' })
    await queryRunner.query('SAVEPOINT here')
    await queryRunner.manager.insert(Author, { name: 'undone' })
    await queryRunner.query('ROLLBACK TO here')
    await queryRunner.query('END')
    expect(getConnections(dataSource, 'better-sqlite3').getCounts().inUse).toBe(0)
    await queryRunner.release()
    expect(await names(dataSource)).toEqual(['Ada'])
  })

  test('whose COMMIT fails are undone, are not reported as done, and can be rolled back', async () => {
    const dataSource = await managed()
    await dataSource.query(
      'create table children (parent int references authors (id) deferrable initially deferred)',
    )
    const queryRunner = dataSource.createQueryRunner()
    await queryRunner.startTransaction()
    await queryRunner.query('insert into children values (99)')
    await expect(queryRunner.commitTransaction()).rejects.toThrow(/FOREIGN KEY/)
    await expect(queryRunner.query('insert into children values (null)')).rejects.toMatchObject({
      code: 'CONNMGR_TRANSACTION_ROLLED_BACK',
    })
    await queryRunner.rollbackTransaction()
    await queryRunner.release()
    expect(await dataSource.query('select count(*) as n from children')).toEqual([{ n: 0 }])
    expect(getConnections(dataSource, 'better-sqlite3').getCounts().inUse).toBe(0)
  })
})

describe('reads', () => {
  test('of repositories go to connections that only read, also while a transaction holds the writer', async () => {
    const dataSource = await managed()
    await dataSource.getRepository(Author).save({ name: 'Ada' })
    await dataSource.transaction(async (entities) => {
      await entities.save(Author, { name: 'Grace' })
      expect(await names(dataSource)).toEqual(['Ada'])
      expect(await entities.count(Author)).toBe(2)
    })
    expect(await names(dataSource)).toEqual(['Ada', 'Grace'])
  })

  test('of a query runner for slaves cannot write', async () => {
    const dataSource = await managed()
    const queryRunner = dataSource.createQueryRunner('slave')
    await expect(queryRunner.query("insert into authors (name) values ('x')")).rejects.toThrow(
      /readonly/,
    )
    await queryRunner.release()
  })
})

describe('a database in memory', () => {
  test('is one for all, lives until destroy, and keeps transactions apart', async () => {
    const dataSource = await managed({ database: ':memory:' })
    await undoBesideAnother(dataSource)
    await dataSource.transaction('SERIALIZABLE', (entities) =>
      entities.save(Author, { name: 'Grace', posts: [{ title: 'One' }] }),
    )
    await dataSource.synchronize()
    expect(await names(dataSource)).toEqual(['acknowledged', 'Grace'])
    await dataSource.destroy()
    await dataSource.initialize()
    expect(await names(dataSource)).toEqual([])
  })
})

describe('what a statement is given and gives', () => {
  test.each([
    ['select ? as value', [true]],
    ['select ? as value, typeof(?) as type', [undefined, undefined]],
    ['select ? as value', [9007199254740991n]],
    ['select ? as value', [Buffer.from('bytes')]],
    ['select @a as a, $b as b', [{ a: 1, b: 'two' }]],
    ['values (1), (2)', []],
    ['pragma table_info("authors")', []],
    ['insert into authors (name) values (?) returning id, name', ['Ada']],
    ["insert into authors (name) values ('Ada')", []],
    ['update authors set name = name', []],
    ['create table more (n int)', []],
  ])('is the same as with TypeORM alone: %s', async (sql, parameters) => {
    const results: unknown[] = []
    for (const dataSource of [await open(options()), await managed()]) {
      await dataSource.getRepository(Author).insert({ name: 'Zoe' })
      results.push(await dataSource.query(sql, parameters))
      const queryRunner = dataSource.createQueryRunner()
      await queryRunner.query('delete from authors')
      await queryRunner.query('drop table if exists more')
      results.push(await queryRunner.query(sql, parameters, true))
      await queryRunner.release()
    }
    expect(results.slice(2)).toEqual(results.slice(0, 2))
  })

  test('is logged and published to subscribers as with TypeORM alone', async () => {
    const logged: unknown[] = []
    const logQuery = (query: string, parameters: unknown) => logged.push([query, parameters])
    const nothing = () => {}
    const dataSource = await managed({
      logger: {
        logQuery,
        logQueryError: nothing,
        logQuerySlow: nothing,
        logSchemaBuild: nothing,
        logMigration: nothing,
        log: nothing,
      },
    })
    logged.length = 0
    await dataSource.query('select ? as value', [true])
    expect(logged).toEqual([['select ? as value', [1]]])
  })
})

describe('options', () => {
  test('may leave it to the manager where the file is', async () => {
    const filename = files.path()
    const dataSource = await open(
      withConnectionManager(
        { type: 'better-sqlite3', entities: ENTITIES, synchronize: true },
        { filename, logger: false },
      ),
    )
    await dataSource.getRepository(Author).save({ name: 'Ada', posts: [{ title: 'One' }] })
    const { upQueries } = await dataSource.driver.createSchemaBuilder().log()
    expect(upQueries).toEqual([])
    expect(readFileSync(filename).subarray(0, 6).toString()).toBe('SQLite')
    await dataSource.synchronize(true)
    expect(await names(dataSource)).toEqual([])
  })

  test('for reading alone open no file for writing', async () => {
    const given = options()
    const first = await open(withConnectionManager(given, { logger: false }))
    await first.getRepository(Author).insert({ name: 'Ada' })
    await first.destroy()
    const dataSource = await open(
      withConnectionManager({ ...given, readonly: true, synchronize: false }, { logger: false }),
    )
    expect(await names(dataSource)).toEqual(['Ada'])
    await expect(dataSource.getRepository(Author).insert({ name: 'x' })).rejects.toThrow(/readonly/)
  })

  test('create the directory of a file, or refuse a file that is missing', async () => {
    const database = path.join(path.dirname(files.path()), 'new', 'app.db')
    const missing = withConnectionManager(options({ database, fileMustExist: true }), {
      logger: false,
    })
    await expect(new DataSource(missing).initialize()).rejects.toMatchObject({
      code: 'SQLITE_CANTOPEN',
    })
    await managed({ database })
    expect(readFileSync(database).subarray(0, 6).toString()).toBe('SQLite')
  })

  test('prepare each connection, also one that comes after a changed session', async () => {
    const dataSource = await managed({
      prepareDatabase: (db: InstanceType<typeof Database>) => {
        db.function('twice', (n: unknown) => Number(n) * 2)
      },
    })
    await dataSource.query('pragma cache_size = 10')
    expect(await dataSource.query('select twice(4) as n')).toEqual([{ n: 8 }])
    const queryRunner = dataSource.createQueryRunner('slave')
    expect(await queryRunner.query('select twice(4) as n')).toEqual([{ n: 8 }])
    await queryRunner.release()
  })

  test.each([
    ['key', 's3cr3t'],
    ['verbose', () => {}],
    ['nativeBinding', '/a/b.node'],
  ])('that cannot be had are refused by name: %s', (option, value) => {
    expect(() => withConnectionManager(options({ [option]: value }))).toThrow(
      expect.objectContaining({
        code: 'CONNMGR_INVALID_OPTION',
        option,
        message: expect.not.stringContaining('s3cr3t'),
      }),
    )
    expect(() => withConnectionManager(options(), { poolSize: 5 } as never)).toThrow(/readers/)
  })
})

describe('a session that a query runner has changed', () => {
  test('is kept for it until its release, and no other caller gets it', async () => {
    const dataSource = await managed({}, { readers: 0 })
    const queryRunner = dataSource.createQueryRunner()
    await queryRunner.query('pragma foreign_keys = off')
    expect(await queryRunner.query('pragma foreign_keys')).toEqual([{ foreign_keys: 0 }])
    await queryRunner.release()
    expect(await dataSource.query('pragma foreign_keys')).toEqual([{ foreign_keys: 1 }])
  })
})

test('DataSources without connmgr are left as they are', async () => {
  await managed()
  const plain = await open(options())
  expect(plain.createQueryRunner()).toBe(plain.createQueryRunner())
  const attached = new DataSource(options())
  opened.push(attached)
  attachConnectionManager(attached, { logger: false }, 'better-sqlite3')
  await attached.initialize()
  expect(attached.createQueryRunner()).not.toBe(attached.createQueryRunner())
})
