import { Lexer } from './lexer.js'
import {
  isAtomic,
  isPlainRead,
  leavesNothing,
  mayCommitBlock,
  sessionEffectsOf,
  verbOf,
} from './statement-text.js'

const kinds = (text: string): string[] => {
  const lexer = new Lexer(text)
  const found: string[] = []
  for (;;) {
    const kind = lexer.next()
    if (kind === 'end' || kind === 'unclear') return kind === 'end' ? found : [...found, kind]
    found.push(lexer.value === '' ? kind : `${kind} ${lexer.value}`)
  }
}

describe('the lexer', () => {
  test.each([
    [
      "select 'it\\'s', 1 -- comment\n, 2",
      ['word select', 'string', 'mark ,', 'number', 'mark ,', 'number'],
    ],
    ["select '' '', 'a''b'", ['word select', 'string', 'string', 'mark ,', 'string']],
    ['select 1--1', ['word select', 'number', 'operator', 'operator', 'number']],
    ['select 1 --', ['word select', 'number']],
    ['select # all of it; drop\n 1', ['word select', 'number']],
    ['select /* not /* nested */ 1', ['word select', 'number']],
    ['select /*+ MAX_EXECUTION_TIME(1) */ 1', ['word select', 'number']],
    ['select `a``b`', ['word select', 'name a`b']],
    ['select "a""b"', ['word select', 'quoted a""b']],
    [
      'set @a := 1, @@session.x = 2',
      [
        'word set',
        'variable @a',
        'mark :=',
        'number',
        'mark ,',
        'variable @@session.x',
        'operator',
        'number',
      ],
    ],
    ["set @'a b' = 1", ['word set', 'variable @', 'operator', 'number']],
    [
      'select 0x1f, 1.5e-3, .5, a.b',
      [
        'word select',
        'number',
        'mark ,',
        'number',
        'mark ,',
        'number',
        'mark ,',
        'word a',
        'mark .',
        'word b',
      ],
    ],
    ["select _utf8mb4'x', ?", ['word select', 'word _utf8mb4', 'string', 'mark ,', 'parameter']],
  ])('reads %s', (text, tokens) => {
    expect(kinds(text)).toEqual(tokens)
  })

  test.each([
    "select 'no end",
    "select 'ends in a backslash\\'",
    'select `no end',
    'select /* no end',
    'select 1 /*! , delete */',
    'select 1 /*M! , delete */',
    'select "a\\"b"',
    'select \\N',
  ])('is unclear about %s', (text) => {
    expect(kinds(text).at(-1)).toBe('unclear')
  })
})

describe('a plain read', () => {
  test.each([
    'select 1',
    'SELECT * FROM t WHERE a = ? FOR UPDATE',
    '(select 1) union (select 2)',
    'select replace(a, "x", "y"), insert("abc", 1, 1, "x"), count(*) from t',
    "select 'insert into t', `delete` from t # update",
    'with a as (select 1) select * from a',
    'with recursive a (n) as (select 1 union select n + 1 from a) select * from a',
    'show tables',
    'describe t',
    'explain select 1',
    'use other',
    'set names utf8mb4',
    'set @a = 1',
    'set session sql_mode = ""',
    'begin',
    'start transaction read only',
    'rollback',
  ])('is %s', (text) => {
    expect(isPlainRead(text)).toBe(true)
  })

  test.each([
    'insert into t values (1)',
    'select my_function(1)',
    'select other.my_function(1)',
    'select get_lock("a", 1)',
    "select 1 into outfile '/tmp/x'",
    'select 1 into @a',
    'with a as (select 1) delete from t',
    'with a as (select 1) update t set a = 1',
    'select 1; delete from t',
    'set global read_only = 0',
    'set @@global.read_only = 0',
    'set persist max_connections = 5',
    'set password = "x"',
    'set autocommit = 1',
    'call p()',
    'begin not atomic delete from t; end',
    'commit',
    'do sleep(1)',
    'select 1 /*! into outfile "x" */',
    '',
  ])('is not %s', (text) => {
    expect(isPlainRead(text)).toBe(false)
  })
})

describe('a text that may commit the transaction it is sent in', () => {
  test.each([
    'commit',
    'COMMIT AND CHAIN',
    'begin',
    'start transaction',
    'create table t (a int)',
    'alter table t add b int',
    'truncate t',
    'lock tables t write',
    'set autocommit = 1',
    'set @@autocommit = 1',
    'set password for a = "b"',
    'analyze table t',
    'call p()',
    'execute s',
    'insert into t values (1); commit',
    'rollback; insert into t values (1)',
    'grant all on *.* to a',
    'flush tables',
    "insert into t values ('",
  ])('is %s', (text) => {
    expect(mayCommitBlock(text)).toBe(true)
  })

  test.each([
    'insert into t values (1)',
    'insert t (a) values (1)',
    'select my_function(1)',
    'update t set a = 1; delete from t',
    'create temporary table t (a int)',
    'drop temporary table t',
    'savepoint a',
    'rollback to savepoint a',
    'rollback work to a',
    'release savepoint a',
    'rollback',
    'set @a = 1',
    'use other',
  ])('is not %s', (text) => {
    expect(mayCommitBlock(text)).toBe(false)
  })
})

test.each([
  ['begin', 'begin'],
  ['START TRANSACTION WITH CONSISTENT SNAPSHOT', 'begin'],
  ['/* of an ORM */ COMMIT', 'commit'],
  ['rollback', 'rollback'],
  ['rollback to a', undefined],
  ['select 1; commit', undefined],
  ['begin not atomic', undefined],
])('%s is known as the verb %s', (text, verb) => {
  expect(verbOf(text)).toBe(verb)
})

test('statements on rows are atomic, and what has several statements or a procedure is not', () => {
  expect(
    ['insert t values (1)', 'update t set a = 1', 'replace into t values (1)'].map(isAtomic),
  ).toEqual([true, true, true])
  expect(
    ['call p()', 'create table t (a int)', 'delete from t; delete from u'].map(isAtomic),
  ).toEqual([false, false, false])
  expect(['commit', 'set @a = 1', 'insert t values (1)'].map(leavesNothing)).toEqual([
    true,
    true,
    true,
  ])
  expect(['create table t (a int)', 'call p()'].map(leavesNothing)).toEqual([false, false])
})

describe('what a text leaves in the session', () => {
  test.each([
    'set names latin1',
    'SET time_zone = "+00:00"',
    'use other',
    'prepare s from "select 1"',
    'lock tables t read',
    'select get_lock("a", 1)',
    'select /* hidden */ get_lock ("a", 1)',
    'create temporary table t (a int)',
    'select @a := 1',
    'select 1 into @a',
    'call p()',
    'select my_function()',
    'insert into t values (my_function())',
    'select 1; set @a = 1',
    'handler t open',
    'select 1 /*! , @a := 1 */',
    'xa start "a"',
  ])('%s may change it', (text) => {
    expect(sessionEffectsOf(text).changes).toBe(true)
  })

  test.each([
    'select * from t where a in (1, 2)',
    'insert into t (a, b) values (?, now())',
    'insert into t (a) values (1) on duplicate key update a = values(a)',
    'insert t (a) values (1)',
    'update t set a = coalesce(a, 0) + 1',
    'delete from t',
    'start transaction',
    'commit',
    'show variables like "a"',
    'create table t (a int, primary key (a))',
  ])('%s leaves it as it is', (text) => {
    expect(sessionEffectsOf(text).changes).toBe(false)
  })

  test('a text that is not known may do anything', () => {
    expect(sessionEffectsOf(undefined)).toMatchObject({
      changes: true,
      locks: true,
      database: true,
    })
  })

  test('asking for transactions that only read is told apart', () => {
    for (const text of [
      'start transaction read only',
      'set session transaction read only',
      'set tx_read_only = 1',
      'set @@session.transaction_read_only = on',
    ])
      expect([text, sessionEffectsOf(text).readOnly]).toEqual([text, true])
    expect(sessionEffectsOf('start transaction read write').readOnly).toBe(false)
  })
})
