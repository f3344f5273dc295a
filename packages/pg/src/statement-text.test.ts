import { knownCatalog } from '../test/known-catalog.js'
import {
  isAtomic,
  isPlainRead,
  leavesNothing,
  mayChangeCatalog,
  mayCommitBlock,
  transactionEndings,
} from './statement-text.js'

const catalog = knownCatalog({
  others: [
    ['post_order', null],
    ['Post', null],
    ['bump', null],
    ['reverse', null],
    ['a$b', null],
  ],
  columns: ['bump', 'nextval', 'pg_sleep'],
  operators: ['<+>', '|>'],
  whenRead: [['item_count', 'nextval']],
  leads: [['totals', 'item_count']],
  foreign: ['remote'],
})

describe('a text plainly only reads', () => {
  test.each([
    'select 1',
    'SELECT 1;',
    '(select 1) union all (select 2)',
    'values (1), (2)',
    'table item',
    'with recent as (select * from item where at > now()) select count(*) from recent',
    'with recursive n(i) as (select 1 union all select i + 1 from n) select i from n',
    'select * from item where id in ($1, $2) and (a = $3 or b = $4) limit $5',
    'select * from item for update',
    'select * from item for no key update of item skip locked',
    `select 'insert into item' as "delete", "update" from item`,
    `select $$ delete from item $$`,
    '-- update item\nselect 1 /* delete */',
    '/* /* */ delete from item */ select 1',
    "/*traceparent='00-1'*/ select 1",
    'select pg_catalog . lower(name), coalesce(max(id), 0) over (partition by a) from item',
    'select price::numeric(10, 2), cast(a as varchar(10)) from item',
    String.raw`select * from item where name ~ '^\d+\.' and note = E'it\'s'`,
    'SELECT COUNT(1) AS "cnt" FROM "user" "User" WHERE (("User"."id" IN ($1)))',
    'SELECT "public"."User"."id" FROM "public"."User" WHERE ("public"."User"."id" = $1 AND 1=1) LIMIT $2 OFFSET $3',
    `select "u"."id", "p"."data" as "posts" from "u" left join lateral (select coalesce(json_agg(json_build_array("x"."id")), '[]'::json) as "data" from "x") "p" on true`,
    'select * from json_build_array(1) as t(a, b)',
    'select pg_sleep(1)',
    'select left(name, 1), größe from item',
    'select bump, post_order from item',
    'show search_path',
    'begin isolation level serializable',
    "set statement_timeout = '5s'",
    'rollback',
    'rollback and chain',
    'savepoint a',
    'listen news',
  ])('%s', (text) => expect(isPlainRead(text, catalog)).toBe(true))
})

describe('a text is not known to be a read', () => {
  test.each([
    ['nothing', ''],
    ['a write', 'insert into item values (1)'],
    ['a write in a CTE', 'with gone as (delete from item returning *) select * from gone'],
    ['a table of what is read', 'select * into copy from item'],
    ['the same behind a comment', 'select * /* a */ INTO /* b */ copy from item'],
    ['a function of the user', 'select post_order($1)'],
    ['one in capitals', 'select POST_ORDER($1)'],
    ['one behind spaces and comments', 'select shop /* a */ . -- b\n post_order /* c */ ($1)'],
    ['one in quotes', 'select "Post"($1)'],
    ['one named like one of the server', 'select reverse(1)'],
    ['one named like one of the server, with its schema', 'select shop.reverse(1)'],
    ['one with a dollar in its name', 'select a$b()'],
    ['one behind a string with a quote', String.raw`select E'\'', post_order('\'')`],
    ['one in a list of columns', 'select t.* from post_order(1) as t(a)'],
    ['one written like a column', 'select c.bump from counter c'],
    ['one written like a column, apart', 'select c /* */ . "bump" from counter c'],
    ['one of the server written like a column', "select ('ids'::regclass).nextval"],
    ['a function that is not known', 'select since_then()'],
    ['one with the name of a keyword, in quotes', 'select "Insert"()'],
    ['an operator of the user', 'select a<+>b from item'],
    ['an operator of the user, with its schema', 'select a operator(shop.|>) b from item'],
    ['a view that writes', 'select * from item_count'],
    ['a view over that', 'select * from public."totals"'],
    ['a table elsewhere', 'table remote'],
    ['a view of the session', 'select * from pg_temp.v'],
    ['the same in quotes', 'select * from "pg_temp_3".v'],
    ['the same in escapes', String.raw`select * from U&"pg\005ftemp".v`],
    ['a sequence', "select nextval('ids')"],
    ['a large object', 'select lo_unlink(1)'],
    ['two statements', 'select 1; delete from item'],
    ['a procedure', 'call post()'],
    ['a block', 'do $$ begin end $$'],
    ['the execution of a prepared statement', 'execute a(1)'],
    ['a copy', 'copy item from stdin'],
    ['a copy of a query', 'copy (select 1) to stdout'],
    ['an explanation, which may execute', 'explain analyze delete from item'],
    ['a commit', 'commit'],
    ['the end of a prepared transaction', "rollback prepared 'a'"],
    ['a prepared transaction', "prepare transaction 'a'"],
    ['a literal whose end depends on a setting', String.raw`select '\'', post_order(1), '\''`],
    ['a literal that does not end', "select 'a"],
    ['a name in other letters', 'select añadir(1)'],
    ['a text that is too long', `select '${'x'.repeat(600_000)}'`],
  ])('%s', (_what, text) => expect(isPlainRead(text, catalog)).toBe(false))
})

describe('no text is a read', () => {
  test.each([
    ['without a catalog', undefined],
    ['with casts that call what is not seen', knownCatalog({ hidden: true })],
    ['with comparisons of the user', knownCatalog({ operators: ['='] })],
    ['with patterns of the user', knownCatalog({ operators: ['~~'] })],
  ])('%s', (_what, known) => {
    expect(isPlainRead('select * from item', known)).toBe(false)
    expect(isPlainRead('show search_path', known)).toBe(true)
  })
})

test.each([
  ['insert into item values (1)', true],
  ['with a as (insert into item values (1) returning id) select * from a', true],
  ['select post_order($1)', true],
  ['(values (1))', true],
  ['merge into item using other on true when matched then delete', true],
  ["insert into item values ('; commit')", true],
  ['insert into item values (1);', true],
  ['insert into item values (1); commit', false],
  ['insert into item values (1); insert into item values (2)', false],
  ['call post()', false],
  ['/* a */ CALL post()', false],
  ['vacuum', false],
  ['do $$ begin commit; end $$', false],
  ['create index concurrently on item (id)', false],
  ['reindex table concurrently item', false],
  ['create database a', false],
  ["alter system set work_mem = '1MB'", false],
  ['cluster item', false],
  ["copy item to program 'mail'", false],
  ['execute a', false],
  ['explain analyze insert into item values (1)', false],
  [String.raw`insert into item values ('\'); commit; select ('')`, false],
  ['', false],
])('%s commits nothing before its end: %s', (text, atomic) => expect(isAtomic(text)).toBe(atomic))

test.each([
  ['insert into item values (1)', true],
  ['commit', true],
  ['end', true],
  ["prepare transaction 'a'", true],
  ["commit prepared 'a'", false],
  ["rollback prepared 'a'", false],
  ['rollback', true],
  ['call post()', false],
  ['vacuum', false],
  ['select 1; select 2', false],
])('%s leaves nothing behind if it fails: %s', (text, nothing) =>
  expect(leavesNothing(text)).toBe(nothing),
)

describe('what may commit the transaction that it is sent in, or another after it', () => {
  test.each<[string, boolean]>([
    ['COMMIT', true],
    [' commit and chain;', true],
    ['/* a */ end', true],
    ["prepare transaction 'a'", true],
    ["commit prepared 'a'", true],
    ["rollback prepared 'a'", true],
    ['insert into item values (1); commit', true],
    ['commit; begin', true],
    ['rollback; insert into item values (1)', true],
    ['rollback and chain; insert into item values (1)', true],
    ['abort; insert into item values (1)', true],
    ['call post()', false],
    ['select 1; call post()', false],
    ['do $$ begin commit; end $$', false],
    ['insert into item values (1)', false],
    ["insert into item values ('commit')", false],
    ['select 1 as "commit"', false],
    ['select 1; select 2', false],
    ['savepoint a; insert into item values (1)', false],
    ['rollback to a; insert into item values (1)', false],
    ['rollback work to savepoint a; select 1', false],
    ['prepare transaction as select 1', true],
    ['prepare a as select 1', false],
    ['rollback', false],
    ['rollback and chain', false],
    ["select 'a", true],
    [`select '${'x'.repeat(600_000)}'`, true],
  ])('%s', (text, expected) => {
    expect(mayCommitBlock(text)).toBe(expected)
  })
})

test.each([
  ['select 1', false],
  ['insert into item values (1)', false],
  ["insert into item select 1 from pg_sleep(1), pg_notify('a', 'b')", false],
  ['begin', false],
  ['commit', false],
  ['truncate item', false],
  ['create temp table a (b int)', false],
  ['drop function f()', false],
  [`insert into item values ('${'x'.repeat(600_000)}')`, false],
  [`insert into item values ('${'x'.repeat(3000)}'); create view v as select 1`, true],
  [`insert into item values ('create ${'x'.repeat(3000)}')`, false],
  ['create function f() returns int as $$ select 1 $$ language sql', true],
  ['create or replace view v as select 1', true],
  ['create temp view v as select 1', true],
  ['create table a (b email)', true],
  ['alter table item enable row level security', true],
  ['select 1; alter function f() volatile', true],
  ['do $$ begin end $$', true],
  ['call migrate()', true],
  ["commit prepared 'a'", true],
  ['import foreign schema a from server b into c', true],
  ["update pg_proc set provolatile = 'v'", true],
  ["select 'a", true],
])('%s may change what names lead to: %s', (text, may) => expect(mayChangeCatalog(text)).toBe(may))

test.each<[string, string[]]>([
  ['commit', ['commit']],
  ['/* commit */ END work; select 1', ['commit']],
  ["begin; insert into item values ('; rollback;'); commit", ['commit']],
  ['do $$ begin null; commit; end $$; rollback', ['rollback']],
  [
    'rollback to a; rollback work to savepoint b; abort',
    ['rollback to', 'rollback to', 'rollback'],
  ],
  ["prepare transaction 'a'; commit prepared 'a'; rollback prepared 'b'", ['commit']],
  ['select 1 as commit', []],
  ["select 'a", []],
])('the statements of %s that end a transaction are %j', (text, expected) => {
  expect(transactionEndings(text)).toEqual(expected)
})
