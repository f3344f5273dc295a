import * as duckdb from '@connmgr/duckdb'
import * as mysql from '@connmgr/mysql'
import * as sqlite from '@connmgr/sqlite'
import { describeEachProduct } from '@connmgr/testing'
import { meterProvider } from '../../test/collected.js'
import { RecordedSpans, useFlowContexts } from '../../test/recorded-spans.js'
import { instrument, type MeasuredManagers } from '../index.js'

const LIFETIME = { logger: false, name: 'shop' } as const

const stops: (() => void)[] = []

beforeAll(useFlowContexts)
// What spans subscribe to is of the whole process.
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})

/** The spans of a manager from now on. */
function record(manager: MeasuredManagers): RecordedSpans {
  const spans = new RecordedSpans()
  const stop = instrument(manager, {
    meterProvider: meterProvider().provider,
    tracerProvider: spans.provider,
    spans: true,
  })
  stops.push(stop)
  return spans
}

const shownOf = (spans: RecordedSpans) =>
  spans.statements.map(({ attributes, name }) => [name, attributes['db.query.text']])

test('statements of SQLite: names in brackets, values in quotes, and its errors', async () => {
  const manager = sqlite.createConnectionManager({ ...LIFETIME, databaseUrl: ':memory:' })
  const spans = record(manager)
  await manager.use(async (db) => {
    await db.run('create table [my users] (email text unique)')
    await db.run("insert into [my users] values ('ann@example.com')")
    await db.all('select * from "my users" where email = :email', { email: 'x' })
    // By its code: the addon makes errors of the realm that has loaded it first.
    await expect(db.run("insert into [my users] values ('ann@example.com')")).rejects.toMatchObject(
      { code: 'SQLITE_CONSTRAINT_UNIQUE' },
    )
  })
  expect(shownOf(spans)).toEqual([
    ['create table [my users]', 'create table [my users] (email text unique)'],
    ['insert [my users]', 'insert into [my users] values (?)'],
    ['select "my users"', 'select * from "my users" where email = :email'],
    ['insert [my users]', 'insert into [my users] values (?)'],
  ])
  expect(spans.statements[0]?.attributes).toMatchObject({
    'db.system.name': 'sqlite',
    'db.namespace': expect.stringContaining(':memory:'),
  })
  expect(spans.statements.at(-1)?.attributes).toMatchObject({
    'error.type': 'SQLITE_CONSTRAINT_UNIQUE',
    'db.response.status_code': 'SQLITE_CONSTRAINT_UNIQUE',
  })
  await manager.close()
})

test.each([
  ['none', 'sqlite', undefined],
  ['fingerprint', 'select', 'select ?'],
] as const)(
  'with reportSql %j a span shows no more than events do',
  async (reportSql, name, text) => {
    const manager = sqlite.createConnectionManager({
      ...LIFETIME,
      databaseUrl: ':memory:',
      reportSql,
    })
    const spans = record(manager)
    await manager.use((db) => db.all('select 17'))
    const [span] = spans.statements
    expect(span?.attributes['db.query.text']).toBe(text)
    expect(span?.name).toBe(text === undefined ? span?.attributes['db.namespace'] : name)
    await manager.close()
  },
)

test('statements of DuckDB', async () => {
  const manager = duckdb.createConnectionManager({ ...LIFETIME, filename: ':memory:' })
  const spans = record(manager)
  await manager.transaction((db) =>
    db.runAndReadAll("select * from range(1, 4) where 'a' = ?", ['a']),
  )
  await expect(manager.use((db) => db.run('select * from no_such'))).rejects.toThrow()
  expect(shownOf(spans)).toEqual([
    ['BEGIN', 'BEGIN TRANSACTION'],
    ['select', 'select * from range(?, ?) where ? = ?'],
    ['COMMIT', 'COMMIT'],
    ['select no_such', 'select * from no_such'],
  ])
  expect(spans.named('transaction')).toHaveLength(1)
  await manager.close()
})

describeEachProduct('spans', ({ start }) => {
  test('names in backticks, strings in double quotes, the numbers of its errors, and a client that is instrumented', async () => {
    const cluster = await start()
    await cluster.primary.query('create table `my users` (email varchar(50) unique)')
    const manager = mysql.createConnectionManager({
      ...LIFETIME,
      databaseUrl: cluster.primary.url(),
    })
    const spans = record(manager)
    const pool = manager.pool.promise()
    await pool.query('insert into `my users` values ("ann@example.com") # a comment')
    await pool.execute('select * from `my users` where email = ?', ['x'])
    await expect(pool.query("insert into `my users` values ('ann@example.com')")).rejects.toThrow()
    expect(shownOf(spans)).toEqual([
      ['insert `my users`', 'insert into `my users` values (?)'],
      ['select `my users`', 'select * from `my users` where email = ?'],
      ['insert `my users`', 'insert into `my users` values (?)'],
    ])
    expect(spans.statements.at(-1)?.attributes).toMatchObject({
      'db.system.name': 'mysql',
      'server.port': cluster.primary.port,
      'error.type': 'ER_DUP_ENTRY',
      'db.response.status_code': '1062',
    })
    spans.clear()
    const unwrap = wrapQuery()
    await pool.query('select 1')
    await manager.transaction(async () => {})
    unwrap()
    // What connmgr sends itself passes the wrapper by.
    expect(shownOf(spans).map(([name]) => name)).toEqual(['START', 'COMMIT'])
    await manager.close()
    await cluster.stop()
  })
})

/** Wraps the client's method as the instrumentation of mysql2 does. Returns the function that undoes it. */
function wrapQuery(): () => void {
  const { Connection } = require('mysql2') as { Connection: { prototype: object } }
  let owner = Connection.prototype
  while (!Object.hasOwn(owner, 'query')) owner = Object.getPrototypeOf(owner) as object
  const holder = owner as { query: (...args: unknown[]) => unknown }
  const { query } = holder
  const wrapper = function (this: unknown, ...args: unknown[]): unknown {
    return query.apply(this, args)
  }
  Object.defineProperty(wrapper, '__original', { value: query })
  holder.query = wrapper
  return () => {
    holder.query = query
  }
}
