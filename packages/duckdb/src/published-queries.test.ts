import { describePublishedQueries, RecordedQueries } from '@connmgr/testing'
import { createConnectionManager } from './connection-manager.js'

describePublishedQueries('DuckDB', async () => {
  const manager = createConnectionManager({ filename: ':memory:', logger: false })
  const text = 'select * from range(1, 4) t(id) where id > ?'
  const transact = (finish: () => void) =>
    manager.transaction(async (db) => {
      await db.runAndReadAll(text, [1])
      await db.run(text, [1])
      finish()
    })
  return {
    manager,
    read: () => manager.use((db) => db.runAndReadAll(text, [1])),
    fail: () => manager.use((db) => db.run('select no_such_column')),
    transact,
    text: /^select \* from range\(1, 4\) t\(id\) where id > \?$/,
  }
})

test('a transaction of its own SQL, and what a write has changed', async () => {
  const manager = createConnectionManager({ filename: ':memory:', logger: false })
  await manager.use((db) => db.run('create table t (n int)'))
  const queries = new RecordedQueries(({ manager: id }) => id === manager.id)
  await manager.use(async (db) => {
    await db.run('begin')
    await db.run('insert into t values (1), (2)')
    await db.run('commit')
    await db.run('select 1')
  })
  const reported = queries.all.map(({ rowCount, transaction }) => [rowCount, transaction?.boundary])
  expect(reported).toEqual([
    [undefined, 'begin'],
    [2, undefined],
    [undefined, 'commit'],
    [1, undefined],
  ])
  expect(queries.all[3]).not.toHaveProperty('transaction')
  queries.stop()
  await manager.close()
})

describe('what is prepared', () => {
  const text = 'select * from range(1, 4) t(id) where id > ?'

  describePublishedQueries('prepared statements of DuckDB', async () => {
    const manager = createConnectionManager({ filename: ':memory:', logger: false })
    return {
      manager,
      read: () =>
        manager.use(async (db) => {
          const prepared = await db.prepare(text)
          prepared.bind([1])
          return prepared.runAndReadAll()
        }),
      fail: () =>
        manager.use(async (db) => {
          const prepared = await db.prepare("select error('no_such ' || ?)")
          prepared.bind(['row'])
          return prepared.run()
        }),
      transact: (beforeEnd) =>
        manager.transaction(async (db) => {
          const prepared = await db.prepare(text)
          prepared.bind([1])
          await prepared.run()
          await prepared.runAndReadAll()
          beforeEnd()
        }),
      text: /^select \* from range\(1, 4\) t\(id\) where id > \?$/,
    }
  })

  test('is published at each run, as prepared, and not when it is prepared', async () => {
    const manager = createConnectionManager({ filename: ':memory:', logger: false })
    await manager.use((db) => db.run('create table t (n int)'))
    const queries = new RecordedQueries(({ manager: id }) => id === manager.id)
    await manager.use(async (db) => {
      const prepared = await db.prepare('insert into t values ($n), ($n + 1)')
      expect(queries.all).toEqual([])
      prepared.bindInteger(1, 7)
      await prepared.run()
      prepared.bind({ n: 9 })
      await prepared.run()
      const rows = await (await db.prepare('from t')).stream()
      expect((await rows.fetchChunk())?.rowCount).toBe(4)
      const [only] = [await db.extractStatements('select 1')]
      await (await only.prepare(0)).runAndReadAll()
    })
    expect(
      queries.all.map(({ prepared, rowCount, text: sql }) => [sql, prepared, rowCount]),
    ).toEqual([
      ['insert into t values ($n), ($n + 1)', true, 2],
      ['insert into t values ($n), ($n + 1)', true, 2],
      ['from t', true, undefined],
      ['select 1', true, 1],
    ])
    queries.stop()
    await manager.close()
  })

  test('keeps its connection busy while it runs', async () => {
    const manager = createConnectionManager({ filename: ':memory:', logger: false, poolSize: 1 })
    const lease = await manager.acquire()
    const prepared = await lease.connection.prepare(
      'select sum(a.range * b.range) from range(30000) a, range(20000) b',
    )
    const running = prepared.run()
    running.catch(() => {})
    expect(manager.getHolders()[0]?.lastQuery).toBe(
      'select sum(a.range * b.range) from range(30000) a, range(20000) b',
    )
    lease.destroy()
    await expect(running).rejects.toThrow()
    await manager.close()
  })
})
