import { meaningOf, PLAIN } from './meaning.js'

test.each([
  'select 1',
  'select * from t for update',
  "insert into t values ('a; b')",
  'update t set search_path = 1',
  'begin',
  'commit',
  'savepoint s',
  'set statement_timeout = 0',
  'set local work_mem = 1000',
  "set app.tenant = 'x'",
  'set "app.tenant" = \'x\'',
  "set time zone 'UTC'",
  "set local datestyle = 'German'",
  'set transaction isolation level serializable',
  'set constraints all deferred',
  'set session characteristics as transaction read only',
  'set session authorization reader',
  "select set_config('app.tenant', $1, true)",
  'truncate t',
  'copy t from stdin',
  'select 1; select 2',
  'grant select on t to reader',
])('leaves all others as they were: %s', (text) => {
  expect(meaningOf(text)).toEqual(PLAIN)
})

test.each([
  ['create table t ()', 'everywhere'],
  ['create temp table t ()', 'here'],
  ['create temporary view v as select 1', 'here'],
  ['alter table t add column c int', 'everywhere'],
  ['drop function f', 'everywhere'],
  ['select 1 as one into t', 'everywhere'],
  ['with x as (select 1 as n) select * into t from x', 'everywhere'],
  ['discard temp', 'here'],
  ["do $$ begin execute 'alter table t add c int'; end $$", 'everywhere'],
  ['explain analyze create table t as select 1', 'everywhere'],
  ["rollback prepared 'x'", 'everywhere'],
  ['begin; create temp table t (); commit', 'here'],
  ["select 'without an end; create table t ()", 'everywhere'],
])('defines something: %s', (text, defines) => {
  expect(meaningOf(text)).toMatchObject({ defines })
})

test.each([
  ['set search_path = a, b', { name: 'search_path', value: 'a, b', local: false }],
  ['SET LOCAL search_path TO "A" ;', { name: 'search_path', value: '"a"', local: true }],
  ["set schema 'a'", { name: 'search_path', value: "'a'", local: false }],
  ['set local role reader', { name: 'role', value: 'reader', local: true }],
  ['set transform_null_equals = on', 'unknown'],
  ['reset all', 'unknown'],
  ['reset role', 'unknown'],
  ["select set_config('search_path', $1, true)", 'unknown'],
  ['select set_config($1, $2, false)', 'unknown'],
  ['begin; set local role reader', 'unknown'],
  ['do $$ begin set role reader; end $$', 'unknown'],
])('sets something: %s', (text, sets) => {
  expect(meaningOf(text).sets).toEqual(sets)
})

test.each(['rollback', 'rollback to s', 'abort'])('takes something back: %s', (text) => {
  expect(meaningOf(text).undoes).toBe(true)
})

test.each([
  'deallocate all',
  'deallocate x',
  'discard all',
  "do $$ begin execute 'deallocate all'; end $$",
])('may have the server forget: %s', (text) => {
  expect(meaningOf(text).forgets).toBe(true)
})
