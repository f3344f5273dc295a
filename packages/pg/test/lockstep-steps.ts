import fc from 'fast-check'

/** Connections of a history: two of ours that live through it, the pool, and one of another process. */
export type Place = 'one' | 'two' | 'pool' | 'outsider'

export interface Ask {
  readonly text: string
  readonly values?: readonly unknown[]
  readonly rowMode?: 'array'
}

/** One step: what is asked where, how often, and whether without waiting for the answers in between. */
export interface Step {
  readonly place: Place
  readonly asks: readonly Ask[]
  readonly times: number
  readonly queued: boolean
  /** The outsider locks the table, and cancels it once it waits. */
  readonly cancelled: boolean
}

/** What every history begins with. */
export const SCHEMA = `
  drop schema if exists a cascade; drop schema if exists b cascade; drop schema if exists public cascade;
  create schema public; create schema a; create schema b; grant all on schema public, a, b to public;
  create type mood as enum ('sad', 'ok');
  create table public.t (id int primary key, n int, name text, at timestamp, tags text[], data bytea, doc jsonb);
  create table public.u (id serial primary key, t_id int, note varchar(20), m mood);
  create table a.t (id text primary key, name text, n numeric);
  create table b.t (id int primary key, n int, name text, at timestamp, tags text[], data bytea, doc jsonb);
  insert into public.t select i, i % 3, 'n' || i, '2026-01-01', array['x', null], '\\x01', '{"k": [1]}' from generate_series(1, 4) i;
  insert into public.u (t_id, note, m) select i, 'note ' || i, 'ok' from generate_series(1, 4) i;
  insert into a.t values ('1', 'of a', 1.5); insert into b.t (id, name) values (1, 'of b');
  grant all on all tables in schema public, a, b to public; grant all on all sequences in schema public to public`

const value = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -1, max: 5 }) },
  fc.constantFrom<unknown>(
    null,
    undefined,
    'text',
    '2',
    '1.5',
    3_000_000_000,
    true,
    new Date(1_700_000_000_000),
    Buffer.from([0, 255]),
    ['a', null, 'c"d'],
    [1, 2],
    { k: 'v' },
    '2026-02-30',
    'ok',
    '',
  ),
)

/** Texts with as many values as they have parameters, now and then one too many. */
const TEXTS: readonly (readonly [text: string, parameters: number])[] = [
  ['select * from t where id = $1', 1],
  ['select * from t order by id', 0],
  ['select id, n + $1 as sum, $2::text as said from t order by id', 2],
  ['select t.*, u.* from t left join u on u.t_id = t.id where t.id = $1 order by u.id', 1],
  ['insert into t (id, n, name) values ($1, $2, $3) returning *', 3],
  ['insert into t (id, at, tags, data, doc) values ($1, $2, $3, $4, $5)', 5],
  ['update t set n = $1, name = $2 where id = $3', 3],
  ['delete from t where id = $1 returning id', 1],
  ['insert into u (t_id, note, m) values ($1, $2, $3)', 3],
  ['select note, m from u where m = $1 order by id', 1],
  ['select count(*) from t', 0],
  ['select 100 / n as share from t where id = $1', 1],
  ['select * from missing where id = $1', 1],
  ['select nonsense, $1::int from t', 1],
  ['with gone as (delete from u where id = $1 returning *) select * from gone', 1],
  ["select '12:00'::timestamptz = '12:00+00'::timestamptz as utc, $1::int as n", 1],
  ["select at, at::text, '1 2:03'::interval as span from t where id = $1", 1],
  ['values (1), (2)', 0],
  ['select coalesce(name, $1) as name from t order by id', 1],
  ['select $1 as it, $2 || name as s from t order by id', 2],
  ['select 1; select 2', 0],
  ['select $1::int', 0],
  ["select 'it''s; fine' as s, $1::text[] as list", 1],
  ['select * from v order by id', 0],
  ['select * from v where id = $1', 1],
  ['select f($1) as f', 1],
]

const statementOf = ([text, parameters]: (typeof TEXTS)[number]): fc.Arbitrary<Ask> =>
  fc.record(
    {
      text: fc.constant(text),
      values: fc
        .tuple(
          fc.array(value, { minLength: parameters, maxLength: parameters }),
          fc.integer({ min: 0, max: 19 }),
        )
        .map(([values, odd]) => (odd === 0 && parameters > 0 ? [...values, 1] : values)),
      rowMode: fc.constant('array' as const),
    },
    { requiredKeys: parameters === 0 ? ['text'] : ['text', 'values'] },
  )

const asked = (...texts: string[]): fc.Arbitrary<Ask> =>
  fc.constantFrom(...texts).map((text) => ({ text }))

const transaction = asked(
  'begin',
  'begin isolation level repeatable read',
  'commit',
  'rollback',
  'savepoint s',
  'rollback to s',
  'release s',
)

/** From any program: nothing that was prepared before can go on without an error where it does not fit any more. */
const definition = asked(
  'alter table public.t add column extra int default 5',
  'alter table public.t drop column if exists extra',
  'alter table public.t rename column name to title',
  'alter table public.t rename column title to name',
  'alter table public.t alter column n type bigint',
  'alter table public.t alter column n type int',
  'alter table public.t alter column n type text',
  'alter table public.t alter column n type int using n::int',
  'alter table public.u alter column note type text',
  'alter table public.u alter column note type varchar(8)',
  'drop table if exists public.u; create table public.u (m mood, t_id int, id serial primary key, note text)',
  "alter type mood add value if not exists 'glad'",
  'create or replace view v as select id, name from public.t',
  'drop view if exists v; create view v as select * from public.t',
  'drop view if exists v cascade',
  "create or replace function f(int) returns text language sql as 'select $1::text'",
  "drop function if exists f(int); create function f(text) returns int language sql as 'select length($1)'",
  'create index if not exists t_n on public.t (n)',
  'analyze public.t',
  'truncate public.u',
)

/** Only a program that knows that it was sent can tell that what was prepared means something else. */
const hidden = asked(
  'alter table public.t alter column at type timestamptz',
  'alter table public.t alter column at type timestamp',
  'alter table public.t alter column at type date',
  'create temp table t (id int primary key, mine text)',
  'create temp table if not exists u as select 1 as id, 2 as t_id',
  'drop table if exists pg_temp.t',
  'drop table if exists pg_temp.u',
  'create table if not exists missing (id int)',
  'drop table if exists missing',
  'select 1 as id into temp missing',
)

const session = asked(
  'set search_path = a, public',
  'set search_path = b, public',
  'set search_path to default',
  'set local search_path = a, public',
  'set local search_path = b',
  "select set_config('search_path', 'b, public', true)",
  "select set_config('search_path', 'a, public', false)",
  'reset search_path',
  'reset all',
  'set role reader',
  'set local role reader',
  'reset role',
  'set session authorization reader',
  'reset session authorization',
  "set time zone 'UTC'",
  "set time zone 'Asia/Tokyo'",
  "set local datestyle = 'German'",
  "set datestyle = 'ISO'",
  "set intervalstyle = 'sql_standard'",
  "set app.tenant = 'x'",
  "set plan_cache_mode = 'force_generic_plan'",
  "set plan_cache_mode = 'force_custom_plan'",
  'set transform_null_equals = on',
  "set bytea_output = 'escape'",
  'discard all',
  'discard plans',
  'discard temp',
  'deallocate all',
  'prepare mine as select 1',
  'deallocate mine',
  "do $$ begin execute 'deallocate all'; end $$",
  "do $$ begin execute 'alter table public.t add column if not exists done int'; end $$",
  'begin; set local search_path = b',
  "set search_path = a; set time zone 'UTC'",
)

const asks = (of: fc.Arbitrary<Ask>, maxLength: number): fc.Arbitrary<readonly Ask[]> =>
  fc.array(of, { minLength: 1, maxLength })

const stepOf = (statement: fc.Arbitrary<Ask>): fc.Arbitrary<Step> =>
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        place: fc.constantFrom<Place>('one', 'one', 'two', 'pool'),
        asks: asks(statement, 1),
        times: fc.constantFrom(1, 2, 6),
        queued: fc.boolean(),
        cancelled: fc.integer({ min: 0, max: 30 }).map((n) => n === 0),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        place: fc.constantFrom<Place>('one', 'two'),
        asks: asks(fc.oneof(statement, transaction, session), 4),
        times: fc.constant(1),
        queued: fc.boolean(),
        cancelled: fc.constant(false),
      }),
    },
    ...[
      { of: transaction, weight: 4, places: ['one', 'two'] as const },
      { of: definition, weight: 3, places: ['one', 'two', 'outsider', 'pool'] as const },
      { of: hidden, weight: 2, places: ['one'] as const },
      { of: session, weight: 3, places: ['one', 'two'] as const },
    ].map(({ of, weight, places }) => ({
      weight,
      arbitrary: fc.record({
        place: fc.constantFrom<Place>(...places),
        asks: asks(of, 1),
        times: fc.constant(1),
        queued: fc.constant(false),
        cancelled: fc.constant(false),
      }),
    })),
  )

export interface LockstepHistory {
  readonly shared: boolean
  readonly steps: readonly Step[]
}

/** Few texts in each, so that what happens meets what was prepared before. */
export const lockstepHistories: fc.Arbitrary<LockstepHistory> = fc
  .uniqueArray(fc.constantFrom(...TEXTS), { minLength: 1, maxLength: 4 })
  .chain((texts) =>
    fc.record({
      shared: fc.boolean(),
      steps: fc.array(stepOf(fc.oneof(...texts.map(statementOf))), {
        minLength: 10,
        maxLength: 70,
        size: 'max',
      }),
    }),
  )
