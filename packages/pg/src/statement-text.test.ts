import { isAtomic, isPlainRead, mayCommit } from './statement-text.js'

describe('a text plainly only reads', () => {
  test.each([
    'select 1',
    'SELECT 1;',
    '(select 1) union all (select 2)',
    'values (1), (2)',
    'table item',
    'with recent as (select * from item where at > now()) select count(*) from recent',
    'select * from item where id in ($1, $2) and (a = $3 or b = $4) limit $5',
    'select * from item for update',
    'select * from item for no key update of item skip locked',
    `select 'insert into item' as "delete", "update" from item`,
    `select $$ delete from item $$`,
    '-- update item\nselect 1 /* delete */',
    "/*traceparent='00-1'*/ select 1",
    'select pg_catalog.lower(name), coalesce(max(id), 0) over (partition by a) from item',
    'select price::numeric(10, 2) from item',
    'SELECT COUNT(1) AS "cnt" FROM "user" "User" WHERE (("User"."id" IN ($1)))',
    'SELECT "public"."User"."id" FROM "public"."User" WHERE ("public"."User"."id" = $1 AND 1=1) LIMIT $2 OFFSET $3',
    `select "u"."id", "p"."data" as "posts" from "u" left join lateral (select coalesce(json_agg(json_build_array("x"."id")), '[]'::json) as "data" from "x") "p" on true`,
    'select pg_sleep(1)',
    'show search_path',
    'begin isolation level serializable',
    "set statement_timeout = '5s'",
    'rollback',
    'savepoint a',
    'listen news',
  ])('%s', (text) => expect(isPlainRead(text)).toBe(true))
})

describe('a text cannot be told to be a read', () => {
  test.each([
    ['nothing', ''],
    ['a write', 'insert into item values (1)'],
    ['a write in a CTE', 'with gone as (delete from item returning *) select * from gone'],
    ['a write of a table', 'select * into copy from item'],
    ['a function of the user', 'select post_order($1)'],
    ['a function of the user, quoted', 'select "Post"($1)'],
    ['a function of the user with the name of another', 'select shop.count($1)'],
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
    ['a literal whose end depends on its kind', String.raw`select E'\'', f('\'')`],
    ['a literal that does not end', "select 'a"],
    ['a comment in a comment', '/* /* */ delete from item */ select 1'],
    ['a name in other letters', 'select añadir(1)'],
  ])('%s', (_what, text) => expect(isPlainRead(text)).toBe(false))
})

test.each([
  ['insert into item values (1)', true],
  ['with a as (insert into item values (1) returning id) select * from a', true],
  ['select post_order($1)', true],
  ['insert into item values (1); commit', false],
  ['call post()', false],
  ['vacuum', false],
  ['do $$ begin commit; end $$', false],
])('%s commits nothing before its end: %s', (text, atomic) => expect(isAtomic(text)).toBe(atomic))

test.each([
  ['COMMIT', true],
  [' commit and chain;', true],
  ['/* a */ end', true],
  ["prepare transaction 'a'", true],
  ['insert into item values (1); commit', true],
  ['rollback; insert into item values (1)', true],
  ['insert into item values (1)', false],
  ["insert into item values ('commit')", false],
  ['select 1; select 2', false],
  ['rollback', false],
])('inside a transaction %s may commit: %s', (text, may) => expect(mayCommit(text)).toBe(may))
