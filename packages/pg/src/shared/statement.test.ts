import { snapshotOf } from '../../test/known-catalog.js'
import { Statement, Statements } from './statement.js'

function runs(statement: Statement, times: number, durationMs: number): void {
  for (let run = 0; run < times; run += 1) statement.ran(durationMs)
}

test('a statement is known as slow after its first run if that was', () => {
  const statement = new Statement('select pg_sleep(1)')
  expect(statement.slow).toBe(false)
  statement.ran(1000)
  expect(statement.slow).toBe(true)
})

test('one slow run among many fast ones does not make a statement slow; a few do', () => {
  const statement = new Statement('select 1')
  runs(statement, 20, 1)
  statement.ran(60_000)
  expect(statement.slow).toBe(false)
  runs(statement, 3, 60_000)
  expect(statement.slow).toBe(true)
})

test('a first run that has met cold caches is soon made up for', () => {
  const statement = new Statement('select 1')
  statement.ran(12)
  expect(statement.slow).toBe(true)
  runs(statement, 2, 0.2)
  expect(statement.slow).toBe(false)
})

test('a statement that has become fast is soon known as fast, however slow it was', () => {
  const statement = new Statement('select 1')
  runs(statement, 100, 60_000)
  runs(statement, 50, 1)
  expect(statement.slow).toBe(false)
})

test('where all take long, such as on a busy server, none is slow, but one that takes much longer', () => {
  const statements = new Statements()
  const [join, other, sleep] = ['select 1', 'select 2', 'select 3'].map((text) =>
    statements.get(text),
  ) as [Statement, Statement, Statement]
  for (let run = 0; run < 200; run += 1) {
    join.ran(8)
    other.ran(6)
  }
  expect([join.slow, other.slow]).toEqual([false, false])
  runs(sleep, 1, 30)
  expect(sleep.slow).toBe(true)
})

test('statements with one text are one', () => {
  const statements = new Statements()
  const first = statements.get('select 0')
  expect(statements.get('select 0')).toBe(first)
})

test('texts are kept by their length, not by their number', () => {
  const statements = new Statements()
  const long = (n: number): string => `select '${'x'.repeat(20_000)}', ${n}`
  const short = statements.get('select 0')
  const first = statements.get(long(0))
  for (let n = 0; n < 200; n += 1) {
    statements.get(long(n))
    expect(statements.get('select 0')).toBe(short)
  }
  expect(statements.get(long(0))).not.toBe(first)
})

test('a text is judged anew by another catalog', () => {
  const statement = new Statement('select a.audit(1)')
  const text = new Statement('select * from item')
  expect(statement.isShareable(undefined)).toBe(false)
  expect(text.isShareable(undefined)).toBe(false)
  const [before, after] = [snapshotOf(), snapshotOf({ foreign: ['item'] })]
  expect([before, after, before].map((each) => text.isShareable(each))).toEqual([true, false, true])
})

test('a client that may want a session later shares what only reads, and tells nothing of a session', () => {
  const shares = (text: string) =>
    new Statement(text).ofClient?.isShareable(
      snapshotOf({ harmless: ['now', 'pg_backend_pid'] }),
    ) ?? false
  expect(shares('select * from item where at < now()')).toBe(true)
  expect(shares('with w as (select 1) select * from w')).toBe(true)
  for (const text of [
    'insert into item values (1)',
    'update item set id = 1',
    'with w as (delete from item returning id) select * from w',
    "select nextval('item_id_seq')",
    'select pg_backend_pid()',
    'select inet_client_port()',
    'select my_own()',
    'select 1 into item',
    'begin',
    'set a.b = 1',
    'select 1; select 2',
  ])
    expect([text, shares(text)]).toEqual([text, false])
})
