import type { EventOf } from '@connmgr/core'
import { type PostgresCluster, patient, startCluster } from '@connmgr/testing'
import type { Client } from 'pg'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'
import type { PgManagerOptions } from './manager-options.js'

let cluster: PostgresCluster
let manager: PgConnectionManager
let dirty: EventOf<'connectionDirty'>[]

beforeAll(async () => {
  cluster = await startCluster({ standbys: 1 })
  await cluster.primary.query(`
    create role reader; create role usual; create role member login; grant usual to member;
    alter role member set role = usual;
    create table rows (id serial, what text);
    create function become(name text) returns void language plpgsql as
      $$ begin execute format('set role %I', name); end $$;
    create function harmless() returns int language sql immutable as 'select 1';
    create schema secret`)
})
afterEach(() => manager.close({ drainTimeoutMs: 0 }))
afterAll(() => cluster.stop())

function open(options: PgManagerOptions = {}): PgConnectionManager {
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    poolSize: 1,
    maxOverflow: 0,
    logger: false,
    ...options,
  })
  dirty = []
  manager.on('connectionDirty', (event) => dirty.push(event))
  return manager
}

/** All that a session may keep, as the next borrower would find it. */
const LEFT = `select
  current_user::text as "user", session_user::text as session,
  (select json_object_agg(name, setting) from pg_settings
    where source = 'session' and name not in ('transaction_isolation', 'transaction_read_only', 'transaction_deferrable')) as settings,
  current_setting('app.tenant', true) as tenant,
  (select count(*)::int from pg_listening_channels()) as channels,
  (select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks,
  (select count(*)::int from pg_prepared_statements where not from_sql) as named,
  (select count(*)::int from pg_prepared_statements where from_sql) as prepared,
  (select count(*)::int from pg_cursors where name <> '' and is_holdable) as cursors,
  (select count(*)::int from pg_class where relpersistence = 't') as temporary`

const CLEAN = {
  user: 'postgres',
  session: 'postgres',
  settings: null,
  tenant: null,
  channels: 0,
  locks: 0,
  named: 0,
  prepared: 0,
  cursors: 0,
  temporary: 0,
}

async function leftBy(work: (client: Client) => Promise<unknown>): Promise<unknown> {
  await manager.use(work)
  return manager.use(async (client) => {
    const [row] = (await client.query(LEFT)).rows
    return { ...row, tenant: row.tenant || null }
  })
}

/** What changes a session, and what is left of it without a reset. */
const CHANGES: Record<string, [sql: string, left: object]> = {
  'SET ROLE': ['set role reader', { user: 'reader' }],
  'SET SESSION AUTHORIZATION': [
    'set session authorization reader',
    { user: 'reader', session: 'reader' },
  ],
  'SET SESSION ROLE': ['set session role reader', { user: 'reader' }],
  'set_config of the role': ["select set_config('role', 'reader', false)", { user: 'reader' }],
  'a function of the user that sets the role': ["select become('reader')", { user: 'reader' }],
  'a DO block that sets the role': ['do $$ begin set role reader; end $$', { user: 'reader' }],
  'a setting': ["set statement_timeout = '77s'", { settings: { statement_timeout: '77000' } }],
  'a setting of the application': ["set app.tenant = 'acme'", { tenant: 'acme' }],
  'the search path': ['set search_path to secret', { settings: { search_path: 'secret' } }],
  'the time zone': ["set time zone 'UTC+3'", { settings: { TimeZone: 'UTC+3' } }],
  'the isolation of later transactions': [
    'set session characteristics as transaction read only',
    { settings: { default_transaction_read_only: 'on' } },
  ],
  'an update of pg_settings': [
    "update pg_settings set setting = 'off' where name = 'enable_sort'",
    { settings: { enable_sort: 'off' } },
  ],
  LISTEN: ['listen jobs', { channels: 1 }],
  'an advisory lock': ['select pg_advisory_lock(1)', { locks: 1 }],
  'an advisory lock, tried for and shared': ['select pg_try_advisory_lock_shared(1)', { locks: 1 }],
  PREPARE: ['prepare p as select 1', { prepared: 1 }],
  'a cursor WITH HOLD': ['declare c cursor with hold for select 1', { cursors: 1 }],
  'a temporary table': ['create temp table t (id int)', { temporary: 1 }],
  'a table selected into': ['select 1 as one into temporary t', { temporary: 1 }],
  'several statements': ["select 1; set app.tenant = 'acme'", { tenant: 'acme' }],
  'a statement behind a comment': ["/* app */ -- x\n set app.tenant = 'acme'", { tenant: 'acme' }],
  'a function behind a comment': [
    "select set_config/* x */('app.tenant', 'acme', false)",
    { tenant: 'acme' },
  ],
  'a function behind a line comment': [
    "select set_config -- x\n('app.tenant', 'acme', false)",
    { tenant: 'acme' },
  ],
  'a quoted function': [`select "set_config" ('app.tenant', 'acme', false)`, { tenant: 'acme' }],
  'a function with its schema': [
    "select pg_catalog . set_config('app.tenant', 'acme', false)",
    { tenant: 'acme' },
  ],
}

describe.each(Object.keys(CHANGES))('%s', (name) => {
  const [sql, left] = CHANGES[name] as [string, object]
  const change = (client: Client) => client.query(sql)

  test.each(['auto', 'reset-all', 'discard-all'] as const)(
    'is gone for the next borrower, reset: %s',
    async (reset) => {
      open({ reset })
      expect(await leftBy(change)).toEqual(CLEAN)
      expect(manager.getPoolMetrics().totalConnectionsCreated).toBe(1)
    },
  )

  test('stays without a reset', async () => {
    open({ reset: 'none' })
    expect(await leftBy(change)).toMatchObject(left)
  })
})

describe('by default', () => {
  test.each([
    'select 1',
    'select count(*), max(id) from rows where what like lower($$A$$)',
    "insert into rows (what) values ('a') returning id",
    `insert into "rows" ("what") values ('a') on conflict do nothing`,
    `with recursive "x" ("a") as (select 1), y as (select 2) select * from "x", y`,
    "update rows set what = coalesce(what, 'b') where id in (1, 2)",
    'select 1::numeric(10, 2), cast(1 as varchar (3))',
    'begin',
    'set local search_path to secret',
    'set transaction isolation level serializable',
    "select set_config('app.tenant', 'acme', true)",
    "/* traceparent='00-1' */ select 1 -- done",
    'explain select 1',
    'select pg_advisory_xact_lock(7)',
  ])('nothing is sent after %s', async (sql) => {
    open()
    const lease = await manager.acquire()
    await lease.connection.query(sql)
    if (sql === 'begin') await lease.connection.query('commit')
    lease.release()
    // It is there at once, so nothing had to be done to it.
    expect(manager.getPoolMetrics().checkedIn).toBe(1)
  })

  test('what a transaction has set for itself costs no reset when it has ended', async () => {
    open()
    const lease = await manager.acquire()
    const { connection: client } = lease
    await client.query('begin')
    await client.query("set local time zone 'UTC+3'")
    await client.query('set local role reader')
    await client.query('set local search_path to secret')
    await client.query('commit')
    lease.release()
    expect(manager.getPoolMetrics().checkedIn).toBe(1)
  })

  test('a parameter that the server reports tells of a change that no text shows', async () => {
    open()
    await cluster.primary.query(`
      create or replace function public.upper(rows) returns text language plpgsql as
        $$ begin set time zone 'UTC+5'; return $1.what; end $$`)
    try {
      expect(
        await leftBy((client) => client.query("select upper(r) from rows r union all select 'x'")),
      ).toEqual(CLEAN)
    } finally {
      await cluster.primary.query('drop function public.upper(rows)')
    }
  })

  test('what onConnect sets is set again, and is no reason for a reset', async () => {
    const onConnect = jest.fn(async (client: Client) => {
      await client.query("set app.tenant = 'acme'")
      await client.query("set time zone 'UTC+3'")
    })
    open({ onConnect })
    for (let n = 0; n < 3; n += 1) await manager.use((client) => client.query('select 1'))
    expect(onConnect).toHaveBeenCalledTimes(1)
    expect(await leftBy((client) => client.query("set app.tenant = 'other'"))).toMatchObject({
      tenant: 'acme',
      settings: { TimeZone: 'UTC+3' },
    })
    expect(onConnect).toHaveBeenCalledTimes(2)
  })

  test('prepared statements of the protocol are kept', async () => {
    open()
    await manager.use((client) => client.query({ name: 'one', text: 'select 1' }))
    expect(await leftBy((client) => client.query("set app.tenant = 'acme'"))).toEqual({
      ...CLEAN,
      named: 1,
    })
  })

  test('a role that ALTER ROLE sets at login is the one that a reset returns to', async () => {
    for (const reset of ['auto', 'reset-all', 'discard-all'] as const) {
      open({ databaseUrl: cluster.primary.url({ user: 'member' }), reset })
      const before = await manager.use(async (client) => (await client.query(LEFT)).rows[0])
      expect(before).toMatchObject({ user: 'usual', session: 'member' })
      expect(await leftBy((client) => client.query('reset role; set role member'))).toMatchObject({
        user: 'usual',
        session: 'member',
      })
      if (reset !== 'discard-all') await manager.close({ drainTimeoutMs: 0 })
    }
  })

  test('a session on a standby is reset as well', async () => {
    open({ databaseUrl: cluster.standbys[0]?.url() as string })
    expect(
      await manager.use(
        async (client) => {
          await client.query('set role reader')
        },
        { target: 'any' },
      ),
    ).toBeUndefined()
    expect(
      await manager.use(
        async (client) => (await client.query('select current_user::text as who')).rows,
        { target: 'any' },
      ),
    ).toEqual([{ who: 'postgres' }])
    expect(manager.getPoolMetrics().totalConnectionsCreated).toBe(1)
  })
})

test.each(['auto', 'reset-all', 'discard-all'] as const)(
  'advisory locks left behind are reported and released, reset: %s',
  async (reset) => {
    open({ reset })
    const lease = await manager.acquire({ label: 'locker' })
    await lease.connection.query('select pg_advisory_lock(1), pg_advisory_lock_shared(2)')
    lease.release()
    expect(await leftBy((client) => client.query('select 1'))).toMatchObject({ locks: 0 })
    expect(dirty).toEqual([
      expect.objectContaining({
        reason: 'advisory-locks',
        connectionId: lease.connectionId,
        lease: expect.objectContaining({ label: 'locker', leaseId: lease.id }),
      }),
    ])
  },
)

test('advisory locks that were given back are not reported', async () => {
  open()
  await manager.use(async (client) => {
    await client.query('select pg_advisory_lock(1)')
    await client.query('select pg_advisory_unlock(1)')
    await client.query('begin')
    await client.query('select pg_advisory_xact_lock(2)')
    await client.query('commit')
  })
  await manager.use((client) => client.query('select 1'))
  expect(dirty).toEqual([])
})

test('a session that cannot be reset is not lent on', async () => {
  open({ resetTimeoutMs: patient(1000) })
  const [{ pid } = { pid: 0 }] = await manager.use(
    async (client) => (await client.query('select pg_backend_pid() as pid')).rows,
  )
  await manager.use(async (client) => {
    await client.query('set statement_timeout = 1')
    await client.query('set role reader')
  })
  const [next] = await manager.use(
    async (client) =>
      (await client.query('select pg_backend_pid() as pid, current_user::text as who')).rows,
  )
  expect(next).toMatchObject({ who: 'postgres' })
  expect(pid).toBeGreaterThan(0)
})
