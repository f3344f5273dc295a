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
  const told = queries.all.map(({ rowCount, transaction }) => [rowCount, transaction?.boundary])
  expect(told).toEqual([
    [undefined, 'begin'],
    [2, undefined],
    [undefined, 'commit'],
    [1, undefined],
  ])
  expect(queries.all[3]).not.toHaveProperty('transaction')
  queries.stop()
  await manager.close()
})
