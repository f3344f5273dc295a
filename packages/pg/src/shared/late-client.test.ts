import { once } from 'node:events'
import { eventually, type PostgresCluster, patient, startCluster } from '@connmgr/testing'
import pg, { type PoolClient } from 'pg'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { catalogRead } from '../../test/known-catalog.js'
import { ManagedPool } from '../managed-pool.js'
import type { ManagedPoolConfig } from '../pool-config.js'

let cluster: PostgresCluster
let pool: ManagedPool

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query(
    `create table item (id serial primary key, name text);
     create function noisy() returns int language plpgsql as $$ begin raise notice 'noise'; return 1; end $$`,
  )
})
afterAll(() => cluster.stop())
beforeEach(() => cluster.primary.query('truncate item restart identity'))
afterEach(() => pool.$connections.close({ drainTimeoutMs: 0 }))

async function open(config: ManagedPoolConfig = {}): Promise<ManagedPool> {
  pool = new ManagedPool({
    connectionString: cluster.primary.url(),
    max: 3,
    shared: { lateBinding: true },
    logger: false,
    ...config,
  })
  await catalogRead(pool)
  await atRest()
  return pool
}

const atRest = () => eventually(() => inUse() === 0)
const inUse = (): number => pool.$connections.getCounts('primary').inUse
/** Whether the client has a connection of its own: only then it knows which. */
const isBound = (client: PoolClient): boolean => {
  try {
    return typeof (client as unknown as { processID: unknown }).processID === 'number'
  } catch {
    return false
  }
}

describe('a client that is bound late', () => {
  test('takes no connection before a statement needs one, and shares what it reads', async () => {
    await open({ max: 2, shared: { lateBinding: true, lanes: 1 } })
    const clients = await Promise.all(Array.from({ length: 50 }, () => pool.connect()))
    expect(inUse()).toBe(0)
    const answers = await Promise.all(
      clients.map(async (client, n) => (await client.query('select $1::int as n', [n])).rows[0].n),
    )
    expect(answers).toEqual(Array.from({ length: 50 }, (_each, n) => n))
    expect(clients.some(isBound)).toBe(false)
    for (const client of clients) client.release()
    await atRest()
  })

  test.each([
    ['a transaction', ['begin', 'select 1', 'rollback']],
    ['a setting', ["set work_mem = '5MB'"]],
    ['a setting by a function', ["select set_config('work_mem', '5MB', false)"]],
    ['a temporary table', ['create temp table mine (id int)']],
    ['a statement that listens', ['listen channel']],
    ['a session lock', ['select pg_advisory_lock(1)']],
    ['a row', ["insert into item (name) values ('x') returning id"]],
    [
      'a row in a read',
      ["with new as (insert into item (name) values ('x') returning id) select * from new"],
    ],
    ['the next value of a sequence', ["select nextval('item_id_seq')"]],
    ['which session it is', ['select pg_backend_pid()']],
    ['several statements', ['select 1; select 2']],
    ['a statement that is prepared', ['prepare mine as select 1']],
    ['a function of the user', ['select noisy()']],
  ])('is bound by %s, and keeps that connection until it is released', async (_what, texts) => {
    await open()
    const client = await pool.connect()
    await client.query('select 1')
    expect(isBound(client)).toBe(false)
    for (const text of texts) await client.query(text)
    expect(isBound(client)).toBe(true)
    const { processID } = client as unknown as { processID: number }
    expect((await client.query('select pg_backend_pid() as pid')).rows).toEqual([
      { pid: processID },
    ])
    expect((await client.query('select pg_backend_pid() as pid')).rows).toEqual([
      { pid: processID },
    ])
    client.release(true)
    await atRest()
  })

  test('finds in its session what it has left there', async () => {
    await open({ reset: 'discard-all' })
    const client = await pool.connect()
    await client.query('select 1')
    await client.query("insert into item (name) values ('x')")
    expect((await client.query("select currval('item_id_seq')::int as id")).rows).toEqual([
      { id: 1 },
    ])
    await client.query('set search_path = nowhere, public; create temp table item (mine int)')
    expect((await client.query('show search_path')).rows).toEqual([
      { search_path: 'nowhere, public' },
    ])
    expect((await client.query('select * from item')).fields.map(({ name }) => name)).toEqual([
      'mine',
    ])
    client.release()
  })

  test('keeps the order of queries that are not awaited, shared or not', async () => {
    await open()
    const client = await pool.connect()
    const order: string[] = []
    const ask = (text: string) => client.query(text).then(() => order.push(text))
    await Promise.all([
      ask('select 1 from pg_sleep(0.05)'),
      ask('select 2'),
      ask("insert into item (name) values ('a')"),
      ask('select 3'),
      client.query('select name from item').then(({ rows }) => {
        order.push('rows')
        expect(rows).toEqual([{ name: 'a' }])
      }),
    ])
    expect(order).toEqual([
      'select 1 from pg_sleep(0.05)',
      'select 2',
      "insert into item (name) values ('a')",
      'select 3',
      'rows',
    ])
    client.release()
  })

  test('takes every form of query', async () => {
    await open()
    const client = await pool.connect()
    const byCallback = await new Promise((resolve, reject) => {
      client.query('select $1::int as n', [1], (error: Error, { rows }: pg.QueryResult) =>
        error ? reject(error) : resolve(rows),
      )
    })
    expect(byCallback).toEqual([{ n: 1 }])
    const byConfig = await new Promise((resolve) => {
      const callback = (_error: Error, { rows }: pg.QueryResult) => resolve(rows)
      expect(client.query({ text: 'select 2 as n', callback } as never)).toBeUndefined()
    })
    expect(byConfig).toEqual([{ n: 2 }])
    expect((await client.query({ text: 'select 3', rowMode: 'array' })).rows).toEqual([[3]])
    expect(() => client.query(undefined as never)).toThrow('null or undefined query')
    const failed = await new Promise((resolve) => {
      client.query('select 1 / 0', resolve as never)
    })
    expect(failed).toMatchObject({ code: '22012' })
    client.release()
  })

  test('runs cursors and streams on a connection of its own', async () => {
    await open()
    const client = await pool.connect()
    const cursor = client.query(new Cursor('select generate_series(1, 5) as n'))
    expect(await cursor.read(2)).toEqual([{ n: 1 }, { n: 2 }])
    await cursor.close()
    client.release()
    const other = await pool.connect()
    const rows: unknown[] = []
    for await (const row of other.query(new QueryStream('select generate_series(1, 3) as n')))
      rows.push(row)
    expect(rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
    other.release()
    await atRest()
  })

  test('hears notifications and notices', async () => {
    await open()
    const client = await pool.connect()
    const notified = once(client, 'notification')
    await client.query('listen news')
    await cluster.primary.query("notify news, 'hello'")
    expect(await notified).toMatchObject([{ payload: 'hello' }])
    client.release(true)
    const other = await pool.connect()
    const notices: (string | undefined)[] = []
    other.on('notice', ({ message }) => notices.push(message))
    await other.query('select noisy()')
    expect(notices).toEqual(['noise'])
    other.release()
  })

  test('fails as any other: the stack leads to the caller, and its connection does not suffer', async () => {
    await open()
    const client = await pool.connect()
    const asking = async function whoAsks() {
      await client.query('select nonsense')
    }
    const error = await asking().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: '42703', position: '8' })
    expect((error as Error).stack).toContain('whoAsks')
    expect((await client.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    client.release()
  })

  test('is refused once it has been released, and cannot be released twice', async () => {
    await open()
    const client = await pool.connect()
    await client.query('select 1')
    const sent = client.query('select 2 as n')
    client.release()
    expect((await sent).rows).toEqual([{ n: 2 }])
    await expect(client.query('select 1')).rejects.toMatchObject({ code: 'CONNMGR_LEASE_RELEASED' })
    expect(() => client.release()).toThrow('already been released')
    const bound = await pool.connect()
    await bound.query('begin')
    bound.release()
    await expect(bound.query('select 1')).rejects.toMatchObject({ code: 'CONNMGR_LEASE_RELEASED' })
    await atRest()
  })

  test('runs what was handed over before its release, and gives its connection back after that', async () => {
    await open()
    const client = await pool.connect()
    const asked = [
      client.query('select pg_sleep(0.02)'),
      client.query("insert into item (name) values ('late')"),
      client.query('select name from item'),
    ]
    client.release()
    expect((await Promise.all(asked)).at(-1)?.rows).toEqual([{ name: 'late' }])
    await atRest()
  })

  test('released with an error gives up what it has under way', async () => {
    await open()
    const client = await pool.connect()
    const running = client.query('select pg_sleep(600)')
    const waiting = client.query("insert into item (name) values ('never')")
    const outcomes = Promise.allSettled([running, waiting])
    await eventually(async () => {
      const rows = await cluster.primary.query(
        "select 1 from pg_stat_activity where query = 'select pg_sleep(600)' and state = 'active'",
      )
      return rows.length === 1
    })
    client.release(new Error('no more'))
    expect(await outcomes).toMatchObject([
      { reason: { code: 'CONNMGR_CONNECTION_LOST', deliberate: true, sent: true } },
      { reason: { code: 'CONNMGR_CONNECTION_LOST', deliberate: true, sent: false } },
    ])
    await eventually(async () => {
      const rows = await cluster.primary.query(
        "select 1 from pg_stat_activity where query = 'select pg_sleep(600)' and state = 'active'",
      )
      return rows.length === 0
    })
    expect(await cluster.primary.query('select * from item')).toEqual([])
  })

  test('says what it cannot know yet, and is otherwise a client', async () => {
    await open()
    const client = await pool.connect()
    expect(client).toBeInstanceOf(pg.Client)
    expect(client.escapeLiteral("it's")).toBe("'it''s'")
    expect('query' in client && 'release' in client).toBe(true)
    expect((client as unknown as { then: unknown }).then).toBeUndefined()
    expect(String(client)).toBe('[object Object]')
    for (const field of ['processID', 'connection', 'host'] as const)
      expect(() => (client as never)[field]).toThrow(`client.${field} is not known yet`)
    await expect(client.connect()).rejects.toThrow('already been connected')
    client.setTypeParser(23, (value: string) => `int ${value}`)
    ;(client as unknown as { mark: string }).mark = 'mine'
    expect(client).toHaveProperty('mark', 'mine')
    expect((await client.query('select 1 as n')).rows).toEqual([{ n: 'int 1' }])
    expect(client).toMatchObject({ mark: 'mine', processID: expect.any(Number) })
    client.release()
    const next = await pool.connect()
    await next.query('begin')
    expect((await next.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    next.release()
  })

  test('closes its connection by end', async () => {
    await open()
    const client = await pool.connect()
    await (client as unknown as pg.Client).end()
    await expect(client.query('select 1')).rejects.toThrow(/closed|not queryable/)
    client.release()
    await atRest()
  })

  test('that is never released is a leak from its first connection on, and the report leads to its caller', async () => {
    await open({ leakDetection: { thresholdMs: 1, captureStack: 'always' } })
    const leaky = async function whoLeaks() {
      const client = await pool.connect()
      await client.query('select 1')
      await atRest()
      expect(pool.$connections.detectLeaks()).toEqual([])
      await client.query('begin')
      return client
    }
    const client = await leaky()
    await eventually(() => pool.$connections.detectLeaks().length === 1)
    expect(pool.$connections.detectLeaks()[0]?.stack).toContain('whoLeaks')
    client.release()
  })

  test('that gets no connection in time fails with the error of acquire, and may be asked again', async () => {
    await open({ max: 1, connectionTimeoutMillis: patient(50) })
    const holder = await pool.connect()
    await holder.query('begin')
    const client = await pool.connect()
    const outcomes = await Promise.allSettled([
      client.query('begin'),
      client.query("insert into item (name) values ('x')"),
    ])
    expect(outcomes).toMatchObject([
      { reason: { code: 'CONNMGR_ACQUIRE_TIMEOUT' } },
      { reason: { code: 'CONNMGR_ACQUIRE_TIMEOUT' } },
    ])
    holder.release()
    await client.query('begin')
    client.release()
    await atRest()
  })

  test('of work that may be run again has its connection at once', async () => {
    await open()
    await pool.$connections.replay(async () => {
      const client = await pool.connect()
      expect(isBound(client)).toBe(true)
      await client.query("insert into item (name) values ('once')")
      client.release()
    })
    await pool.$connections.withSession(async () => {
      const client = await pool.connect()
      expect(isBound(client)).toBe(true)
      client.release()
    })
  })

  test('is there only where it is asked for', async () => {
    await open({ shared: true })
    const client = await pool.connect()
    expect(isBound(client)).toBe(true)
    client.release()
    await pool.end()
    await open({ shared: false })
    expect(() => new ManagedPool({ shared: { lateBinding: 'yes' as never } })).toThrow(
      'shared.lateBinding',
    )
    const plain = await pool.connect()
    expect(isBound(plain)).toBe(true)
    plain.release()
  })
})
