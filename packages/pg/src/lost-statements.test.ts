import {
  eventually,
  type FaultProxy,
  type PostgresCluster,
  patient,
  startCluster,
  startFaultProxy,
} from '@connmgr/testing'
import type { PoolClient } from 'pg'
import Cursor from 'pg-cursor'
import { catalogRead } from '../test/known-catalog.js'
import { ManagedPool } from './managed-pool.js'
import type { ManagedPoolConfig } from './pool-config.js'

const LOST = { code: 'CONNMGR_CONNECTION_LOST' }
const UNKNOWN = { code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN', sqlState: '08007' }

let cluster: PostgresCluster
let proxy: FaultProxy
let pool: ManagedPool

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query(`
    create table item (id int);
    create function slow() returns int language sql volatile as 'select 1 from pg_sleep(60)';
    create schema shop;
    create function reverse(int) returns int language sql as 'select slow()';
    create function shop.log(text) returns int language sql as 'select slow()';
    create function bump(item) returns int language sql as 'select slow()';
    create function a$b() returns int language sql as 'select slow()';
    create function pick(int, int) returns int language sql as 'select slow()';
    create operator |> (leftarg = int, rightarg = int, function = pick);
    create view sleepy as select slow() from item`)
})
beforeEach(async () => {
  await cluster.primary.query('truncate item; insert into item values (0)')
  proxy = await startFaultProxy({ target: cluster.primary })
})
afterEach(async () => {
  // A server notices the loss of a client only when it has something to tell it.
  await cluster.primary.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'`,
  )
  await pool.$connections.close({ drainTimeoutMs: 0 })
  await proxy.close()
})
afterAll(() => cluster.stop())

function open(config: ManagedPoolConfig = {}): ManagedPool {
  pool = new ManagedPool({
    connectionString: cluster.primary.url().replace(`:${cluster.primary.port}`, `:${proxy.port}`),
    logger: false,
    ...config,
  })
  return pool
}

/** A client of the pool, its backend, and a wait until that is at work. */
async function connect(): Promise<{ client: PoolClient; pid: number; busy: () => Promise<void> }> {
  const client = await pool.connect()
  await catalogRead(pool)
  const pid = (client as unknown as { processID: number }).processID
  const busy = () =>
    eventually(async () => {
      const [row] = await cluster.primary.query<{ state: string }>(
        `select state from pg_stat_activity where pid = ${pid} and wait_event is not null`,
      )
      return row?.state === 'active'
    })
  return { client, pid, busy }
}

const SLOW_INSERT = 'insert into item select 1 from pg_sleep(60)'

describe('of a connection that is reset', () => {
  test.each([
    ['a write by itself', SLOW_INSERT, UNKNOWN],
    ['a function', 'select slow()', UNKNOWN],
    ['several statements', 'select 1; select pg_sleep(60)', UNKNOWN],
    ['a read', 'select pg_sleep(60)', LOST],
    [
      'a read with a string that a setting could end elsewhere',
      "select pg_sleep(60), '\\d+'",
      LOST,
    ],
    ['a function named like one of the server', 'select reverse(60)', UNKNOWN],
    ['the same with its schema', 'select shop . /**/ log($$60$$)', UNKNOWN],
    ['a function written like a column', 'select item.bump from item', UNKNOWN],
    ['a function with a dollar in its name', 'select a$b()', UNKNOWN],
    ['an operator', 'select 1 |> 60', UNKNOWN],
    ['a view', 'select * from sleepy', UNKNOWN],
    ['a temporary view', 'select * from sleeping', UNKNOWN],
  ])('%s gets what is known', async (_what, text, expected) => {
    open()
    const { client, busy } = await connect()
    await client.query('create temp view sleeping as select slow()')
    await catalogRead(pool)
    const running = expect(client.query(text)).rejects.toMatchObject({
      ...expected,
      cause: expect.objectContaining({ message: expect.any(String) }),
    })
    await busy()
    proxy.reset()
    await running
    client.release()
  })

  test('a write in a transaction has written nothing, and neither has what waited behind it', async () => {
    open()
    const { client, busy } = await connect()
    await client.query('begin')
    const running = expect(client.query(SLOW_INSERT)).rejects.toMatchObject({ ...LOST, sent: true })
    const queued = expect(client.query('commit')).rejects.toMatchObject({ ...LOST, sent: false })
    await busy()
    proxy.reset()
    await Promise.all([running, queued])
    await expect(client.query('commit')).rejects.toMatchObject({ ...LOST, sent: false })
    client.release()
    expect(await cluster.primary.query('select 1 from item where id > 0')).toEqual([])
  })

  test('a callback gets the same as a promise', async () => {
    open()
    const { client, busy } = await connect()
    const reported = new Promise((resolve) => client.query(SLOW_INSERT, (error) => resolve(error)))
    await busy()
    proxy.reset()
    expect(await reported).toMatchObject(UNKNOWN)
    expect(
      await new Promise((resolve) => client.query(SLOW_INSERT, (error) => resolve(error))),
    ).toMatchObject({ ...LOST, sent: false })
    client.release()
  })

  test('a cursor between two reads gets a typed error with the next', async () => {
    open()
    const { client } = await connect()
    const cursor = client.query(new Cursor('select n from generate_series(1, 100000) n'))
    expect(await cursor.read(10)).toHaveLength(10)
    proxy.reset()
    await eventually(() => pool.totalCount === 0)
    await expect(cursor.read(10)).rejects.toMatchObject(LOST)
    client.release()
  })

  test('a statement of pool.query and one of use() get the same', async () => {
    open()
    const marked = `${SLOW_INSERT} /* marked */`
    const running = [
      expect(pool.query(marked)).rejects.toMatchObject(UNKNOWN),
      expect(pool.$connections.use((client) => client.query(marked))).rejects.toMatchObject(
        UNKNOWN,
      ),
    ]
    await eventually(async () => {
      const rows = await cluster.primary.query(
        `select 1 from pg_stat_activity where query like '%* marked *%' and wait_event = 'PgSleep'`,
      )
      return rows.length === 2
    })
    proxy.reset()
    await Promise.all(running)
  })
})

describe('of a session that the server ends', () => {
  test.each([
    ['a write by itself was rolled back', SLOW_INSERT, LOST],
    ['a function was rolled back', 'select slow()', LOST],
    ['of several statements nothing is known', 'select 1; select pg_sleep(60)', UNKNOWN],
  ])('%s', async (_what, text, expected) => {
    open()
    const { client, pid, busy } = await connect()
    const running = expect(client.query(text)).rejects.toMatchObject({
      ...expected,
      cause: { code: '57P01' },
    })
    await busy()
    await cluster.primary.query('select pg_terminate_backend($1)', [pid])
    await running
    client.release()
  })

  test('while it idled in a transaction, the next statement was not sent', async () => {
    open()
    const { client, pid } = await connect()
    await client.query('begin')
    await client.query('insert into item values (1)')
    await cluster.primary.query('select pg_terminate_backend($1)', [pid])
    await eventually(() => pool.totalCount === 0)
    await expect(client.query('commit')).rejects.toMatchObject({ ...LOST, sent: false })
    client.release()
    expect(await cluster.primary.query('select 1 from item where id > 0')).toEqual([])
  })
})

test('a statement that is given up on tells whether it may still be executed', async () => {
  open({ query_timeout: patient(100) })
  const { client } = await connect()
  await expect(client.query(SLOW_INSERT)).rejects.toMatchObject(UNKNOWN)
  client.release()
  const next = await connect()
  await next.client.query('begin')
  await expect(next.client.query(SLOW_INSERT)).rejects.toMatchObject(LOST)
  next.client.release()
  await expect(pool.query('select pg_sleep(60)')).rejects.toMatchObject(LOST)
})

test('an immediate shutdown leaves the outcome of a write open, and that of a transaction not', async () => {
  const own = await startCluster()
  await own.primary.query('create table item (id int)')
  open({ connectionString: own.primary.url() })
  const alone = await pool.connect()
  const within = await pool.connect()
  await within.query('begin')
  const running = [
    expect(alone.query(SLOW_INSERT)).rejects.toMatchObject(UNKNOWN),
    expect(within.query(SLOW_INSERT)).rejects.toMatchObject(LOST),
  ]
  await eventually(
    async () =>
      (await own.primary.query(`select 1 from pg_stat_activity where wait_event = 'PgSleep'`))
        .length === 2,
  )
  await own.primary.stop('immediate')
  await Promise.all(running)
  alone.release()
  within.release()
  await own.stop()
})
