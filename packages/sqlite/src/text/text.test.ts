import { fingerprint } from './fingerprint.js'
import { hasNumberedParameters } from './parameters.js'
import { splitStatements } from './split.js'
import { kindOf } from './statement-kind.js'

test.each([
  'select * from t',
  ' /* a comment */ SELECT 1',
  'with n as (select 1) select * from n',
  'values (1), (2)',
  'explain query plan select 1',
  "select 'delete from t'",
  'select "update" from t;',
])('%s plainly reads', (sql) => {
  expect(kindOf(sql)).toEqual({ reads: true, alters: false, control: undefined })
})

test.each([
  'insert into t values (1)',
  'with n as (select 1) insert into t select * from n',
  'select last_insert_rowid()',
  'select "changes"()',
  'select * from temp.t',
  'select 1; delete from t',
  'pragma table_info(t)',
  'create table t (v)',
])('%s does not plainly read', (sql) => {
  expect(kindOf(sql).reads).toBe(false)
})

test.each([
  ['pragma foreign_keys = off', true],
  ['pragma cache_size(100)', true],
  ['pragma foreign_keys', false],
  ['pragma main.table_info(t)', false],
  ['attach "x" as y', true],
  ['create temp table t (v)', true],
  ['create temporary view t as select 1', true],
  ['create table temp_t (v)', false],
  ['update t set v = 1', false],
])('%s alters the session: %s', (sql, alters) => {
  expect(kindOf(sql).alters).toBe(alters)
})

test.each([
  ['begin immediate', 'begin'],
  ['commit', 'commit'],
  ['end transaction', 'commit'],
  ['rollback', 'rollback'],
  ['rollback to inner', 'savepoint'],
  ['rollback transaction to savepoint inner', 'savepoint'],
  ['release inner', 'savepoint'],
  ['savepoint inner', 'savepoint'],
])('%s controls a transaction', (sql, control) => {
  expect(kindOf(sql).control).toBe(control)
})

test('a script is split at its semicolons, and at none within a trigger, a string or a comment', () => {
  const trigger =
    'create trigger g after insert on t begin update t set v = case when v then 1 end; delete from t; end'
  expect(
    splitStatements(`
      create table t (v); -- one; comment
      insert into t values (';'), ("a;b"), ([c;d]) /* ; */;;
      ${trigger};
      create table trigger_log (v)
    `),
  ).toEqual([
    'create table t (v)',
    `insert into t values (';'), ("a;b"), ([c;d]) /* ; */`,
    trigger,
    'create table trigger_log (v)',
  ])
})

test('a fingerprint has no literals, comments or superfluous blanks', () => {
  expect(
    fingerprint("select a,b from t where x = 'it''s'  and y in (1, 2,3) -- secret\n and z=?1;"),
  ).toBe('select a, b from t where x = ? and y in (?) and z = ?')
  expect(fingerprint(`select ${'a, '.repeat(5000)} b`)).toMatch(/…$/)
})

test('numbered parameters are distinguished from what looks like them', () => {
  expect(hasNumberedParameters('select ?1, ?2')).toBe(true)
  expect(hasNumberedParameters("select '?1', ?")).toBe(false)
})
