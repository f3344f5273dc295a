import { isPreparable, isPreparableAlone } from './preparable.js'

test.each([
  'select * from t where id = $1',
  '  SELECT 1',
  '/* a comment */ select $1',
  'with x as (select 1) select * from x',
  'insert into t values ($1) returning *',
  'insert into t select * from u where at < now() and note = $1',
  'merge into t using u on t.id = u.id when matched then delete',
  'values ($1, $2)',
  'table t',
  "select set_config('app.tenant', $1, true)",
  'select knowledge, today_s, yesterdays from t where id = $1',
])('may be prepared: %s', (text) => {
  expect(isPreparable(text)).toBe(true)
})

test.each([
  'begin',
  'create table t as select 1',
  'select 1 into t',
  'with x as (select 1 as n) select n into t from x',
  'select 1; select 2',
  'show all',
  'explain select 1',
  'copy t to stdout',
  "select set_config('search_path', $1, true)",
  'select set_config($1, $2, true)',
  "update pg_settings set setting = 'x' where name = $1",
  "select 'now'::timestamp, $1",
  "select timestamp ' NOW ', $1",
  "select 'now()'::timestamptz, $1",
  "select ' now ( ) '::timestamptz, $1",
  "insert into t (day) values ('Tomorrow')",
  'select $$yesterday$$::date, $1',
  "select E'no\\x77'::date, $1",
  "select U&'\\006eow'::date, $1",
  `select $1 /* ${'x'.repeat(40_000)} */`,
])('may not be prepared: %s', (text) => {
  expect(isPreparable(text)).toBe(false)
})

test.each([
  ['select 1', true],
  ['select 1;', true],
  ['select 1; select 2', false],
  ['select $1', false],
  ['', false],
  ['select (', true],
  ["select 'without an end", false],
])('without values: %s', (text, may) => {
  expect(isPreparableAlone(text)).toBe(may)
})
