import { summaryOf } from './statement-summary.js'

test.each([
  ['SELECT * FROM wuser_table WHERE username = ?', 'SELECT wuser_table'],
  [
    'INSERT INTO shipping_details (order_id, address) SELECT order_id, address FROM orders WHERE order_id = ?',
    'INSERT shipping_details SELECT orders',
  ],
  ['SELECT * FROM songs, artists WHERE songs.artist_id = artists.id', 'SELECT songs artists'],
  [
    'SELECT order_date FROM (SELECT * FROM orders o JOIN customers c ON o.customer_id = c.customer_id)',
    'SELECT SELECT orders customers',
  ],
  [`SELECT * FROM "song list", 'artists'`, `SELECT "song list" 'artists'`],
])('the examples of the conventions: %s', (shape, summary) => {
  expect(summaryOf(shape)).toBe(summary)
})

test.each([
  [
    'select "a"."id" from "public"."User" "a" where "a"."email" = $1 limit ?',
    'select "public"."User"',
  ],
  [
    'select a.id, b.from_id from x a left join y as b on b.id = a.b and b.t in (?), z',
    'select x y z',
  ],
  ['update `orders` set `total` = ? where `id` = ?', 'update `orders`'],
  ['delete from [order lines] where id = ?', 'delete [order lines]'],
  ['insert into t (a, b) values (?) on conflict (a) do update set b = excluded.b', 'insert t'],
  ['insert into t values (?) on duplicate key update b = ?', 'insert t'],
  ['select * from jobs for update skip locked', 'select jobs'],
  [
    'with big as (select * from a where n > ?) select * from big join b on true',
    'select a select b',
  ],
  [
    'with recursive t(n) as (select ? union all select n from t) select n from t',
    'select select select',
  ],
  [
    'with x as materialized (delete from a returning id) insert into b select id from x',
    'delete a insert b select',
  ],
  ['select extract(year from at), trim(both from name) from events', 'select events'],
  ['select n from generate_series(?) n', 'select'],
  ['select n from generate_series(?) n, t', 'select t'],
  ['select ?', 'select'],
  ['select count(*) from only t', 'select t'],
  ['select * from a where id in (select a_id from b)', 'select a select b'],
  ['select * from a union all select * from b', 'select a select b'],
  ['update a set n = b.n from b where b.id = a.id', 'update a b'],
  ['delete from a using b where a.id = b.id', 'delete a b'],
  [
    'merge into a using b on a.id = b.id when matched then update set n = ? when not matched then insert values (?)',
    'merge a b',
  ],
  [
    'create table if not exists shop.orders (id int references users on delete cascade)',
    'create table shop.orders',
  ],
  ['create unique index concurrently on t (a)', 'create index'],
  ['drop table t', 'drop table t'],
  ['alter table t add column c int', 'alter table t'],
  ['truncate table a', 'truncate a'],
  ['call pay(?)', 'call pay'],
  ['BEGIN', 'BEGIN'],
  ['START TRANSACTION READ ONLY', 'START'],
  ['set search_path to shop', 'set'],
  ['explain analyze select * from t', 'explain analyze select t'],
  ['select a; delete from b', 'select delete b'],
  ['', ''],
  ['?', ''],
])('%s', (shape, summary) => {
  expect(summaryOf(shape)).toBe(summary)
})

test('a summary ends with a whole word before it is too long', () => {
  const tables = Array.from({ length: 60 }, (_, n) => `table_${n}`)
  const summary = summaryOf(`select * from ${tables.join(', ')}`)
  expect(summary.length).toBeLessThanOrEqual(255)
  expect(summary.split(' ').slice(1)).toEqual(tables.slice(0, summary.split(' ').length - 1))
})
