import { eventually, type PostgresCluster, startCluster } from '@connmgr/testing'
import pg, { type Client, type QueryConfig } from 'pg'
import Cursor from 'pg-cursor'
import type { PgConnectionManager } from '../connection-manager.js'
import { createConnectionManager } from '../create-connection-manager.js'
import type { PgManagerOptions } from '../manager-options.js'

let cluster: PostgresCluster
let manager: PgConnectionManager

beforeAll(async () => {
  cluster = await startCluster()
})
beforeEach(() =>
  cluster.primary.query(
    `drop table if exists things, seen; drop schema if exists other cascade;
     create table things (id int primary key, name text, at timestamptz, tags text[], data bytea, doc jsonb);
     insert into things select n, 'thing ' || n, '2026-01-01', array['a', null], '\\x00ff', '{"a": 1}' from generate_series(1, 20) n;
     create table seen (id serial, note text)`,
  ),
)
afterEach(() => manager.close({ drainTimeoutMs: 0 }))
afterAll(() => cluster.stop())

/** A manager of one connection, once it is known that statements may be prepared on it. */
async function open(options: PgManagerOptions = {}): Promise<PgConnectionManager> {
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    poolSize: 1,
    maxOverflow: 0,
    logger: false,
    ...options,
  })
  await manager.pool.query('select')
  if (options.preparedStatements !== 'off')
    await eventually(() => manager.getStatementStats().off.length === 0)
  return manager
}

const BY_KEY = 'select * from things where id = $1'
const RECURS = 6

async function repeat(work: (n: number) => Promise<unknown>, times = RECURS): Promise<void> {
  for (let n = 0; n < times; n += 1) await work(n)
}

async function preparedOn(client: Pick<Client, 'query'> = manager.pool as never) {
  const { rows } = await client.query({
    text: 'select name, statement from pg_prepared_statements order by prepare_time',
    prepare: false,
  } as QueryConfig)
  return rows as { name: string; statement: string }[]
}

const textsOn = async (client?: Pick<Client, 'query'>) =>
  (await preparedOn(client)).map(({ statement }) => statement)
const codeOf = (error: { code?: string }) => error.code

describe('what is prepared', () => {
  test('a text that recurs is, whatever its values, and its results are as before', async () => {
    await open()
    const plain = await manager.pool.query({
      text: BY_KEY,
      values: [3],
      prepare: false,
    } as QueryConfig)
    await repeat((n) => manager.pool.query(BY_KEY, [n]))
    expect(await textsOn()).toEqual([BY_KEY])
    expect(await manager.pool.query(BY_KEY, [3])).toEqual(plain)
    expect(await manager.pool.query({ text: BY_KEY, values: [3], rowMode: 'array' })).toMatchObject(
      { rows: [Object.values(plain.rows[0] as object)], rowCount: 1, command: 'SELECT' },
    )
    expect(manager.getStatementStats()).toMatchObject({
      mode: 'auto',
      texts: 1,
      statements: 1,
      prepares: 1,
      hits: 3,
      evictions: 0,
      off: [],
    })
    expect(manager.getStatementStats().bytes).toBeGreaterThan(10_000)
  })

  test('what one connection has learned the others know', async () => {
    await open({ poolSize: 2 })
    await repeat((n) => manager.pool.query(BY_KEY, [n]))
    const [one, two] = await Promise.all([manager.pool.connect(), manager.pool.connect()])
    for (const client of [one, two]) {
      await client.query(BY_KEY, [1])
      expect(await textsOn(client)).toEqual([BY_KEY])
    }
    one.release()
    two.release()
  })

  test('texts that come once leave nothing behind', async () => {
    await open()
    await repeat((n) => manager.pool.query(`select * from things where id in (${n}, $1)`, [n]), 200)
    expect(await textsOn()).toEqual([])
    expect(manager.getStatementStats()).toMatchObject({ texts: 0, statements: 0 })
  })

  test('a text without values is, if it is a single statement', async () => {
    await open()
    await repeat(() => manager.pool.query('select id from things order by id'))
    await repeat(() => manager.pool.query('select 1; select 2'))
    await repeat(() => manager.pool.query('show server_version'))
    expect(await textsOn()).toEqual(['select id from things order by id'])
    const plain = await manager.pool.query('select id from things where id < 0')
    await repeat(() => manager.pool.query('select id from things where id < 0'))
    expect(await manager.pool.query('select id from things where id < 0')).toEqual(plain)
  })

  test.each([
    "select 'now'::timestamptz > '2020-01-01' as later, $1::int",
    "select date 'today', $1::int",
    "select 'now()'::timestamptz, $1::int",
    "select E'\\x6eow'::timestamptz, $1::int",
  ])('a constant that means another time each time never is: %s', async (text) => {
    await open()
    await repeat(() => manager.pool.query(text, [1]))
    expect(await textsOn()).toEqual([])
  })

  test('nothing is with prepare: false, under a name of the caller, and when it is off', async () => {
    await open()
    await repeat(() =>
      manager.pool.query({ text: 'select 1, $1::int', values: [1], prepare: false } as QueryConfig),
    )
    await repeat(() => manager.pool.query({ name: 'mine', text: BY_KEY, values: [1] }))
    expect(await preparedOn()).toEqual([{ name: 'mine', statement: BY_KEY }])
    expect(manager.getStatementStats()).toMatchObject({ statements: 0, prepares: 0 })
    await manager.close()
    await open({ preparedStatements: 'off' })
    await repeat(() => manager.pool.query(BY_KEY, [1]))
    expect(await textsOn()).toEqual([])
    expect(manager.getStatementStats()).toMatchObject({ mode: 'off', statements: 0 })
  })

  test('cursors are left alone', async () => {
    await open()
    await repeat(() => manager.pool.query(BY_KEY, [1]))
    await manager.use(async (client) => {
      const cursor = client.query(new Cursor(BY_KEY, [1]))
      expect(await cursor.read(5)).toMatchObject([{ id: 1 }])
      await cursor.close()
    })
    expect(manager.getStatementStats().hits).toBe(1)
  })

  test('queries of shared lanes are', async () => {
    await open({ shared: { lanes: 1 }, poolSize: 3 })
    await repeat((n) => manager.pool.query(BY_KEY, [n]))
    const found = await Promise.all(
      Array.from({ length: 30 }, (_, n) => manager.pool.query(BY_KEY, [(n % 20) + 1])),
    )
    expect(found.map(({ rows }) => rows[0].id)).toEqual(found.map((_, n) => (n % 20) + 1))
    expect(manager.getStatementStats().hits).toBeGreaterThan(20)
  })

  test('queries of shared lanes whose tables another process alters all succeed', async () => {
    await open({ shared: { lanes: 2 }, poolSize: 4 })
    const ask = () =>
      Promise.all(Array.from({ length: 20 }, (_, n) => manager.pool.query(BY_KEY, [n + 1])))
    for (let round = 0; round < 3; round += 1) await ask()
    await cluster.primary.query('alter table things add column more int default 7')
    for (let round = 0; round < 3; round += 1) {
      const found = await ask()
      expect(found.map(({ rows }) => rows[0])).toMatchObject(
        found.map((_, n) => ({ id: n + 1, more: 7 })),
      )
    }
    expect(manager.getStatementStats().off).toEqual([])
  })

  test('a query that its signal ends while it runs leaves the next connection to prepare', async () => {
    await open()
    await repeat((n) => manager.pool.query(BY_KEY, [n]))
    const text = 'select pg_sleep($1)'
    await repeat(() => manager.pool.query(text, [0]))
    const { signal } = new AbortController()
    await manager.pool.query({ text, values: [0], signal } as QueryConfig)
    const stop = new AbortController()
    const running = manager.pool.query({ text, values: [60], signal: stop.signal } as QueryConfig)
    await eventually(async () => {
      const rows = await cluster.primary.query(
        "select 1 from pg_stat_activity where wait_event = 'PgSleep'",
      )
      return rows.length > 0
    })
    stop.abort()
    await expect(running).rejects.toMatchObject({ code: 'CONNMGR_ABORTED' })
    expect((await manager.pool.query(BY_KEY, [1])).rows).toHaveLength(1)
    expect(await textsOn()).toEqual([BY_KEY])
  })

  test('the option takes auto and off alone', () => {
    expect(() =>
      createConnectionManager({
        databaseUrl: cluster.primary.url(),
        preparedStatements: 'always' as 'auto',
      }),
    ).toThrow(/preparedStatements/)
  })
})

describe('room on a connection', () => {
  test('what has not been used for longest is closed on the server', async () => {
    await open()
    const text = (n: number) => `select ${n} as n, $1::int as m`
    for (let n = 0; n < 300; n += 1) await repeat(() => manager.pool.query(text(n), [n]), 5)
    await manager.pool.query(text(299), [1])
    const texts = await textsOn()
    expect(texts).toHaveLength(256)
    expect(texts).not.toContain(text(0))
    expect(texts).toContain(text(299))
    expect(manager.getStatementStats()).toMatchObject({ statements: 256, evictions: 44 })
  })

  test('long texts leave room for fewer', async () => {
    await open()
    const text = (n: number) => `select ${n} as n, $1::int as m /* ${'x'.repeat(15_000)} */`
    for (let n = 0; n < 8; n += 1) await repeat(() => manager.pool.query(text(n), [n]))
    expect(await textsOn()).toHaveLength(5)
    expect(manager.getStatementStats().bytes).toBeLessThan(8 * 1024 * 1024)
  })
})

describe('when names lead elsewhere', () => {
  const prepare = () => repeat(() => manager.pool.query(BY_KEY, [1]))

  test('a table that another process has altered costs no error outside of a transaction', async () => {
    await open()
    await prepare()
    await cluster.primary.query('alter table things add column more int default 7')
    expect((await manager.pool.query(BY_KEY, [1])).rows).toMatchObject([{ id: 1, more: 7 }])
    await manager.pool.query(BY_KEY, [1])
    expect((await manager.pool.query(BY_KEY, [1])).rows).toMatchObject([{ id: 1, more: 7 }])
    expect(await textsOn()).toEqual([BY_KEY])
    expect(manager.getStatementStats()).toMatchObject({ retries: 1, rePrepares: 1 })
    expect(manager.getPoolMetrics().totalConnectionsCreated).toBe(1)
  })

  test('within a transaction the error is reported, and the next transaction has it right', async () => {
    await open()
    await prepare()
    await cluster.primary.query('alter table things add column more int default 7')
    const work = () => manager.transaction(async (client) => (await client.query(BY_KEY, [1])).rows)
    await expect(work()).rejects.toMatchObject({ code: '0A000' })
    expect(await work()).toMatchObject([{ more: 7 }])
  })

  test('what waits behind a statement that runs again keeps its place', async () => {
    await open()
    await prepare()
    await repeat(() => manager.pool.query('insert into seen (note) values ($1) returning *', ['x']))
    await cluster.primary.query(
      'alter table things add column more int; alter table seen add column more int default 3',
    )
    await manager.use(async (client) => {
      const results = await Promise.all([
        client.query(BY_KEY, [1]),
        client.query('insert into seen (note) values ($1) returning *', ['first']),
        client.query("select note from seen where note = 'first'"),
      ])
      expect(results.map(({ rows }) => rows)).toMatchObject([
        [{ id: 1, more: null }],
        [{ note: 'first', more: 3 }],
        [{ note: 'first' }],
      ])
    })
    expect(await cluster.primary.query("select note from seen where note = 'first'")).toHaveLength(
      1,
    )
  })

  test('a value that the old type refuses and the new one takes is taken', async () => {
    await open()
    const text = 'select $1 = id as same from things where id = $1'
    await repeat(() => manager.pool.query(text, [1]))
    await cluster.primary.query('alter table things alter column id type bigint')
    expect((await manager.pool.query(text, ['3000000000'])).rows).toEqual([])
    await cluster.primary.query('alter table things alter column id type text')
    expect((await manager.pool.query(text, ['1'])).rows).toEqual([{ same: true }])
    expect((await manager.pool.query(text, ['none'])).rows).toEqual([])
  })

  test('a wrong value fails as without preparing', async () => {
    await open()
    const plain = await manager.pool
      .query({ text: BY_KEY, values: ['x'], prepare: false } as QueryConfig)
      .catch((error) => ({ ...error, message: error.message }))
    await prepare()
    const reported = await manager.pool
      .query(BY_KEY, ['x'])
      .catch((error) => ({ ...error, message: error.message }))
    expect(reported).toEqual(plain)
    const few = await manager.pool.query(BY_KEY, [1, 2]).catch((error) => error.message)
    expect(few).toMatch(/prepared statement "" requires 1/)
    expect(await textsOn()).toEqual([BY_KEY])
  })

  test('a wrong number of values fails as without preparing, though the server names the statement', async () => {
    await open()
    const failing = (query: object) =>
      manager.pool
        .query({ text: BY_KEY, values: [1, 2], ...query } as QueryConfig)
        .catch((error) => ({ ...error, message: error.message }))
    const plain = await failing({ prepare: false })
    expect(plain.length).toBeGreaterThan(0)
    for (let n = 0; n < RECURS; n += 1) expect(await failing({})).toEqual(plain)
    expect(manager.getStatementStats().prepares).toBeGreaterThan(0)
  })

  test('a value that cannot be sent fails by itself', async () => {
    await open()
    await prepare()
    const bad = {
      toPostgres() {
        throw new Error('no value')
      },
    }
    await expect(manager.pool.query(BY_KEY, [bad])).rejects.toThrow('no value')
    await prepare()
    await expect(manager.pool.query('select $1::int as one', [bad])).rejects.toThrow('no value')
    expect((await manager.pool.query(BY_KEY, [1])).rows).toHaveLength(1)
    expect(await textsOn()).toEqual([BY_KEY])
  })

  test('what the manager itself defines costs no error in transactions either', async () => {
    await open({ poolSize: 2 })
    const one = await manager.pool.connect()
    const two = await manager.pool.connect()
    await repeat(() => one.query(BY_KEY, [1]))
    await repeat(() => two.query(BY_KEY, [1]))
    await one.query('alter table things add column more int default 1')
    await two.query('begin')
    expect((await two.query(BY_KEY, [1])).rows).toMatchObject([{ more: 1 }])
    await two.query('alter table things add column most int default 2')
    expect((await two.query(BY_KEY, [1])).rows).toMatchObject([{ most: 2 }])
    await two.query('rollback')
    await two.query('begin')
    expect((await two.query(BY_KEY, [1])).rows).not.toMatchObject([{ most: 2 }])
    await two.query('commit')
    one.release()
    two.release()
  })

  test('a temporary table hides the other from the moment that it is there', async () => {
    await open()
    await prepare()
    await manager.use(async (client) => {
      await client.query('create temp table things (id int, other text)')
      expect((await client.query(BY_KEY, [1])).rows).toEqual([])
      await client.query('drop table pg_temp.things')
      expect((await client.query(BY_KEY, [1])).rows).toHaveLength(1)
    })
  })

  test('a table that a function makes hides the other from then on, and until it is gone', async () => {
    await cluster.primary.query(
      `create or replace function hide() returns void language plpgsql as
         $$ begin create temp table things as select 1 as id, 'hidden' as name; end $$;
       create or replace function hide_indeed(text) returns text language sql as 'select hide(); select $1';
       create or replace procedure show() language plpgsql as $$ begin execute 'drop table pg_temp.things'; end $$`,
    )
    await open()
    await manager.use(async (client) => {
      const names = async () => {
        const { rows } = await client.query('select name from things where id = $1', [1])
        return rows.map(({ name }) => name)
      }
      // The search path changes with the first temporary table of a session, which the server notices.
      await client.query('create temp table another (id int)')
      await repeat(names)
      for (const text of [
        'select hide()',
        "select hide_indeed('x') as said",
        'do $$ begin perform hide(); end $$',
      ]) {
        await repeat(() => names(), 2)
        await client.query(text)
        expect(await names()).toEqual(['hidden'])
        await client.query('call show()')
        expect(await names()).toEqual(['thing 1'])
      }
      await client.query('begin')
      await client.query('select hide()')
      await repeat(async () => expect(await names()).toEqual(['hidden']), 2)
      await client.query('rollback')
      await repeat(async () => expect(await names()).toEqual(['thing 1']), 2)
      expect(await textsOn(client)).toContain('select name from things where id = $1')
    })
  })

  test('another search path, even for a transaction, leads to other tables', async () => {
    await open()
    await cluster.primary.query(
      "create schema other; create table other.things (id text, whose text); insert into other.things values ('1', 'other')",
    )
    await prepare()
    await manager.use(async (client) => {
      await client.query('begin')
      await client.query('set local search_path = other')
      await repeat(async () =>
        expect((await client.query(BY_KEY, [1])).rows).toEqual([{ id: '1', whose: 'other' }]),
      )
      await client.query('commit')
      expect((await client.query(BY_KEY, [1])).rows).toMatchObject([{ id: 1 }])
      await client.query("select set_config('search_path', 'other', false)")
      expect((await client.query(BY_KEY, [1])).rows).toEqual([{ id: '1', whose: 'other' }])
    })
    expect((await manager.pool.query(BY_KEY, [1])).rows).toMatchObject([{ id: 1 }])
  })

  test.each(['deallocate all', 'discard all'])('%s by a borrower is noticed', async (sql) => {
    await open({ reset: 'none' })
    await prepare()
    await manager.use(async (client) => {
      await client.query(sql)
      await client.query('begin')
      expect((await client.query(BY_KEY, [1])).rows).toHaveLength(1)
      await client.query('commit')
    })
    expect(manager.getStatementStats().off).toEqual([])
  })

  test('a function that deallocates costs no error outside of a transaction', async () => {
    await open()
    await prepare()
    await manager.pool.query("do $$ begin execute 'deallocate all'; end $$")
    expect((await manager.pool.query(BY_KEY, [1])).rows).toHaveLength(1)
    expect((await manager.pool.query(BY_KEY, [1])).rows).toHaveLength(1)
    expect(manager.getStatementStats().off).toEqual([])
  })

  const change = () =>
    manager.use((client) => client.query("set search_path = pg_catalog; set app.x = 'y'"))

  test('a connection that is reset keeps its statements', async () => {
    await open()
    await prepare()
    await change()
    await prepare()
    expect(await textsOn()).toEqual([BY_KEY])
    expect(manager.getStatementStats().prepares).toBe(1)
  })

  test('where each reset forgets all, nothing is prepared unless that is asked for', async () => {
    await open({ reset: 'discard-all', preparedStatements: 'off' })
    await manager.close()
    manager = createConnectionManager({
      databaseUrl: cluster.primary.url(),
      reset: 'discard-all',
      logger: false,
    })
    expect(manager.getStatementStats().mode).toBe('off')
    await manager.close()
    await open({ reset: 'discard-all', preparedStatements: 'auto' })
    await prepare()
    await change()
    await manager.use((client) =>
      repeat(async () => expect((await client.query(BY_KEY, [1])).rows).toHaveLength(1)),
    )
    expect(manager.getStatementStats()).toMatchObject({ off: [], retries: 0 })
  })

  test('a statement that was cancelled while it was prepared is prepared by the next', async () => {
    await open()
    const blocker = new pg.Client(cluster.primary.url())
    await blocker.connect()
    await repeat(() => manager.pool.query(BY_KEY, [1]), 4)
    await blocker.query('begin; lock table things')
    await manager.use(async (client) => {
      await client.query("set lock_timeout = '20ms'")
      await expect(client.query(BY_KEY, [1])).rejects.toMatchObject({ code: '55P03' })
      await expect(client.query(BY_KEY, [1])).rejects.toMatchObject({ code: '55P03' })
      await blocker.query('rollback')
      expect((await client.query(BY_KEY, [1])).rows).toHaveLength(1)
      expect((await client.query(BY_KEY, [1])).rows).toHaveLength(1)
      expect(await textsOn(client)).toEqual([BY_KEY])
    })
    await blocker.end()
    expect(manager.getStatementStats().off).toEqual([])
  })

  test('an error in the text has its position, however often it comes', async () => {
    await open()
    const text = 'select nonsense from things where id = $1'
    const reported: unknown[] = []
    await repeat(() =>
      manager.pool
        .query(text, [1])
        .catch((error) => reported.push([codeOf(error), error.position])),
    )
    expect(reported).toEqual(reported.map(() => ['42703', '8']))
  })
})
