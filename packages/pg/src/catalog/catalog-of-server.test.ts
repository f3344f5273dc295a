import { eventually, type PostgresCluster, startCluster } from '@connmgr/testing'
import pg from 'pg'
import { HOSTILE_SCHEMA } from '../../test/hostile-schema.js'
import { ManagedPool } from '../managed-pool.js'
import type { ManagedPoolConfig } from '../pool-config.js'
import { isShareable } from '../shared/shareable.js'
import { isPlainRead } from '../statement-text.js'
import type { EndpointCatalog } from './catalog.js'

let cluster: PostgresCluster
let pool: ManagedPool

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query(HOSTILE_SCHEMA)
  await cluster.primary.query(`create role guest login; create role stranger login`)
})
afterEach(() => pool.$connections.close({ drainTimeoutMs: 0 }))
afterAll(() => cluster.stop())

/** The catalog that a new pool has read with its first connection, to a database of its own if one is named. */
async function read(config: ManagedPoolConfig = {}): Promise<EndpointCatalog> {
  pool = new ManagedPool({
    connectionString: cluster.primary.url(),
    logger: false,
    healthMonitoring: false,
    ...config,
  })
  const client = await pool.connect()
  const catalog = pool.$connections.driver.catalogOf(client as unknown as pg.Client)
  client.release()
  await catalog?.read()
  return catalog as EndpointCatalog
}

function urlOf(parts: { pathname?: string; username?: string }): string {
  return Object.assign(new URL(cluster.primary.url()), parts).href
}

async function database(name: string, setUp: string): Promise<ManagedPoolConfig> {
  await cluster.primary.query(`create database ${name}`)
  const connectionString = urlOf({ pathname: name })
  const client = new pg.Client(connectionString)
  await client.connect()
  await client.query(setUp)
  await client.end()
  return { connectionString }
}

test('a database tells which of its functions, operators and relations are harmless', async () => {
  const catalog = await read()
  const reported = (texts: readonly string[]) => texts.filter((text) => isPlainRead(text, catalog))
  const harmless = [
    'select * from item where id = 1 order by name',
    'select upper(name), count(*) from item group by 1',
    'select * from names',
    'select * from kept',
    'select i.name, (i).note from item i',
    "select now(), random(), gen_random_uuid(), to_tsvector('a'), age(now()), '1'::numeric(10, 2)",
    'select * from pg_stat_activity',
    'select * from information_schema.tables',
    'select * from my_settings',
    'select json_agg(i) from item i tablesample system (10)',
    "select extract(year from now()), trim(both 'a' from 'b'), substring('abc' from 2 for 1), position('a' in 'b')",
    'select x from generate_series(1, 10) with ordinality as t(x, y)',
    "select * from json_to_recordset('[]') as x(a int, b text)",
    'select grouping(id), id from item group by rollup (id), cube (name), grouping sets ((note), ())',
    'select percentile_cont(0.5) within group (order by id), count(*) filter (where id > 1) from item',
  ]
  expect(reported(harmless)).toEqual(harmless)
  expect(
    reported([
      'select reverse(1)',
      "select shop.log('a')",
      "select log('a')",
      'select i.bump from item i',
      'select i /**/ . bump from item i',
      'select (i).anything from item i',
      'select left(1)',
      'select "Mixed ""Case"""()',
      'select a$b()',
      'select größe()',
      'select lies()',
      'select 1 |> 2',
      'select not 1 <| 2',
      'select 1 operator(shop.<+>) 2',
      'select total(id) from item',
      "select setting('1MB', false)",
      'select * from item_count',
      'select * from over_count',
      'select * from bumped',
      'select * from guarded',
      'select * from locked',
      "select ('ids'::regclass).nextval",
      "select query_to_xml('select effect(1)', true, true, '')",
      "select table_to_xml('item_count', true, true, '')",
      "select pg_input_is_valid('1', 'checked')",
      "select domain_in('1', 1, 1)",
    ]),
  ).toEqual([])
})

test('a role that may do little gets the same', async () => {
  const connectionString = urlOf({ username: 'guest' })
  const catalog = await read({ connectionString })
  expect(isPlainRead('select * from item', catalog)).toBe(true)
  expect(isPlainRead('select reverse(1)', catalog)).toBe(false)
})

test('without the right to read the catalog connections are made, and nothing counts as a read', async () => {
  await database('closed', 'revoke select on pg_proc from public')
  const connectionString = urlOf({ pathname: 'closed', username: 'stranger' })
  const catalog = await read({ connectionString, shared: true })
  expect(catalog.latest).toBeUndefined()
  expect(isPlainRead('select 1', catalog)).toBe(false)
  expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
})

test.each([
  ['a check of a domain', 'create domain checked as int check (f(value) > 0)'],
  [
    'a cast',
    'create type t as (a int); create function c(t) returns int language sql as $$ select f(1) $$; create cast (t as int) with function c(t) as implicit',
  ],
  [
    'an order',
    `create type t as (a int); create function same(t, t) returns boolean language sql as $$ select f(1) = 1 $$;
     create operator === (leftarg = t, rightarg = t, function = same);
     create operator class o for type t using hash as operator 1 ===`,
  ],
  [
    'a comparison',
    'create type t as (a int); create function e(t, t) returns boolean language sql as $$ select f(1) = 1 $$; create operator = (leftarg = t, rightarg = t, function = e)',
  ],
])('where %s calls a function of a user, nothing counts as a read', async (what, setUp) => {
  const name = what.replaceAll(' ', '_')
  const config = await database(
    name,
    `create function f(int) returns int language sql as $$ select 1 $$; ${setUp}`,
  )
  expect(isPlainRead('select 1', await read(config))).toBe(false)
})

test('what is in C and does not change is harmless, as most of the extensions that come with the server', async () => {
  const catalog = await read(
    await database(
      'extended',
      `create extension citext; create extension hstore; create extension pg_trgm; create extension pgcrypto;
       create extension tablefunc; create extension "uuid-ossp"; create extension dblink;
       create domain email as citext check (value ~ '@'); create table person (mail email)`,
    ),
  )
  const harmless = [
    "select * from person where mail = 'a@b'",
    "select 'a=>1'::hstore -> 'a', similarity('a', 'b'), digest('a', 'md5'), uuid_generate_v4()",
    "select 'a@b'::email, max(mail) from person",
  ]
  expect(harmless.filter((text) => isPlainRead(text, catalog))).toEqual(harmless)
  for (const text of [
    "select * from crosstab('select f()') as t(a int)",
    "select dblink('a', 'b')",
  ])
    expect(isPlainRead(text, catalog)).toBe(false)
})

test('partitions that are elsewhere, and policies that read views, count for what is read', async () => {
  const catalog = await read(
    await database(
      'apart',
      `create extension postgres_fdw; create server there foreign data wrapper postgres_fdw;
       create table whole (id int) partition by list (id);
       create foreign table far partition of whole for values in (1) server there;
       create table near partition of whole for values in (2);
       create view over_whole as select * from whole;
       create sequence ids; create view counts as select nextval('ids') as n;
       create table guarded (id int); alter table guarded enable row level security;
       create policy p on guarded using (id in (select n from counts));
       create table open (id int, tenant text); alter table open enable row level security;
       create policy p on open using (tenant = current_setting('a.tenant'))`,
    ),
  )
  const reported = (name: string) => isPlainRead(`select * from ${name}`, catalog)
  expect(['near', 'open'].map(reported)).toEqual([true, true])
  expect(['whole', 'far', 'over_whole', 'counts', 'guarded'].map(reported)).toEqual(
    Array(5).fill(false),
  )
})

test('triggers, defaults and cascades count for what is shared', async () => {
  const { latest } = await read()
  const shared = (text: string) => isShareable(text, latest)
  const calm = [
    'insert into stamped values (1)',
    'insert into item values (3)',
    'delete from item',
    'select * from owner',
  ]
  expect(calm.filter(shared)).toEqual(calm)
  const unsettling = [
    'insert into watched values (1)',
    'insert into indirect values (1)',
    'insert into configured values (1)',
    'delete from owner',
    'insert into part values (1)',
    "update my_settings set setting = '1MB'",
    "update over_settings set setting = '1MB'",
    "update pg_catalog.pg_settings set setting = '1MB'",
    'select * from locked',
    'select act()',
  ]
  expect(unsettling.filter(shared)).toEqual([])
})

test('a function made by one of the connections counts at once for all, and what is read before its end does not', async () => {
  const catalog = await read()
  const client = await pool.connect()
  expect(isPlainRead('select * from item', catalog)).toBe(true)
  await client.query('begin')
  await client.query('create view latecomer as select effect(name) from item')
  expect(isPlainRead('select * from item', catalog)).toBe(false)
  // It is read meanwhile, and the view cannot be seen yet.
  await eventually(() => catalog.latest !== undefined)
  expect(isPlainRead('select * from latecomer', catalog)).toBe(true)
  await client.query('commit')
  expect(isPlainRead('select * from item', catalog)).toBe(false)
  await eventually(() => isPlainRead('select * from item', catalog))
  expect(isPlainRead('select * from latecomer', catalog)).toBe(false)
  await client.query('drop view latecomer')
  client.release()
})

test('after a change the catalog is read anew by itself', async () => {
  const catalog = await read()
  await pool.query('create view again as select 1')
  await pool.query('drop view again')
  await eventually(() => isPlainRead('select * from item', catalog))
})

test('queries that come before it is known are shared once it is', async () => {
  await read({ shared: { lanes: 1, depth: 1000 }, max: 20 })
  await pool.$connections.close({ drainTimeoutMs: 0 })
  pool = new ManagedPool({
    connectionString: cluster.primary.url(),
    logger: false,
    shared: { lanes: 1, depth: 1000 },
    max: 20,
  })
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_each, n) => pool.query('select $1::int as n', [n])),
  )
  expect(answers.map(({ rows }) => rows[0].n)).toEqual(Array.from({ length: 100 }, (_each, n) => n))
  expect(pool.$connections.getPoolMetrics().totalConnectionsCreated).toBe(1)
})

test('a database tells which of its functions define something, themselves or by another', async () => {
  const config = await database(
    'with_definitions',
    `create function makes() returns void language plpgsql as
       $$ begin execute 'create table if not exists p' || 1; end $$;
     create function "Replaces It"() returns void language sql as 'CREATE OR REPLACE VIEW v AS SELECT 1';
     create function by_another() returns int language sql as 'select makes(); select 1';
     create function by_two() returns int language sql as 'select public.by_another()';
     create procedure selects_into() language plpgsql as $$ begin execute 'select 1 into temp q'; end $$;
     create function says_so() returns text language sql as $$ select 'create the rest' -- then drop it $$;
     create function makes_not() returns text language sql as $$ select 'remakes an alter ego' $$`,
  )
  const { defining } = await read(config)
  expect([...defining].sort()).toEqual([
    'by_another',
    'by_two',
    'makes',
    'replaces it',
    'selects_into',
  ])
})
