import fc from 'fast-check'
import { Fingerprints, fingerprintOf, LONGEST_TEXT } from './fingerprints.js'

const POSTGRESQL = 'postgresql'
const textOf = (text: string, database = POSTGRESQL): string =>
  fingerprintOf(text, database).fingerprint.text
const idOf = (text: string, database = POSTGRESQL): string =>
  fingerprintOf(text, database).fingerprint.id

test.each([
  ["select 'it''s' from t", 'select ? from t'],
  ["select E'a\\'b', b'01', x'ff', n'x', u&'\\0061' from t", 'select ?, ?, ?, ?, ? from t'],
  ['select $$a $1 -- b$$, $tag$ $$ $tag$ from t', 'select ?, ? from t'],
  ["select 'a'\n'b' from t", 'select ? from t'],
  ['select 1, 1.5, .5, 1e10, 0x1F, 1_000, -3, - 2 from t', 'select ?, ?, ?, ?, ?, ?, ?, ? from t'],
  ['select a-1, a - 1, (a)-1, a[1]-1 from t', 'select a - ?, a - ?, (a) - ?, a[?] - ? from t'],
  ['select a::int, $1::text[] from t', 'select a::int, ?::text[] from t'],
  ['select /* a /* nested */ b */ 1 -- end', 'select ?'],
  ['SELECT "a"."B", "user" FROM "T";', 'select a."B", "user" from "T"'],
  ["select a -> 'b' ->> 'c', d ? 'e' from t", 'select a -> ? ->> ?, d ? ? from t'],
  ['select * from t where a = true and b is null', 'select * from t where a = ? and b is null'],
  ['select * from t where a in ($1, $2, 3)', 'select * from t where a in (?)'],
  [
    'select * from t where (a, b) in (($1, $2), ($3, $4))',
    'select * from t where (a, b) in ((?, ?))',
  ],
  [
    'insert into t (a, b) values ($1, default), (2, null), ($3, now())',
    'insert into t(a, b) values (?, ?), (?, now())',
  ],
  ['select * from t where a = 1 or a = 2 or a = 3', 'select * from t where a = ? or a = ?'],
  [
    'select * from t where (a = 1 and b = 2) or (a = 3 and b = 4) or (a = 5 and b = 6)',
    'select * from t where (a = ? and b = ?) or (a = ? and b = ?)',
  ],
  [
    'select * from t where a between 1 and 2 and b between 3 and 4',
    'select * from t where a between ? and ? and b between ? and ?',
  ],
])('PostgreSQL: %s', (text, wanted) => {
  expect(textOf(text)).toBe(wanted)
})

test.each([
  ["select \"a\", 'b\\'c', `d`.`e` from t", 'select ?, ?, d.e from t'],
  ['select 1 # end\n+ 2 -- x\n', 'select ? + ?'],
  ['select 5--3', 'select ? - ?'],
  ["select _utf8mb4'x', @a, @@session.b", 'select ?, @a, @@session.b'],
  [
    'select /*!40001 sql_no_cache */ * from t where a = ?',
    'select sql_no_cache * from t where a = ?',
  ],
  ['insert into t values row(1, 2), row(3, 4)', 'insert into t values row(?, ?)'],
  ['select /*M!100100 sql_no_cache */ a from t', 'select sql_no_cache a from t'],
  ['select /*+ max_execution_time(1000) */ a from t', 'select a from t'],
  [
    'select a from t where b=:b and c = :c and @d := 1',
    'select a from t where b = ? and c = ? and @d := ?',
  ],
  [
    "update t set a = 'c:\\\\', b = '\\\\\\'', c = \"it\\\"s\" where d=?",
    'update t set a = ?, b = ?, c = ? where d = ?',
  ],
  [
    "select `a``b`, `order` from `T` where x <=> null and y = _binary'\\0'",
    'select "a`b", "order" from "T" where x <=> ? and y = ?',
  ],
  [
    "select a from t where b = 0x1f or c = b'01' limit 5, 10",
    'select a from t where b = ? or c = ? limit ?, ?',
  ],
])('MySQL: %s', (text, wanted) => {
  expect(textOf(text, 'mysql')).toBe(wanted)
})

test.each([
  [
    'select [a b], "c", `d` from t where x = ?1 and y = :name',
    'select "a b", c, d from t where x = ? and y = ?',
  ],
  ['select @p, $q from t', 'select ?, ? from t'],
  [
    'select a from t where b=:b and c>=@c and d!=$d',
    'select a from t where b = ? and c >= ? and d != ?',
  ],
  [
    "select 'a\\\\', x'00', a ->> '$.b' from [t] where [order] = ?",
    'select ?, ?, a ->> ? from t where "order" = ?',
  ],
])('SQLite: %s', (text, wanted) => {
  expect(textOf(text, 'sqlite')).toBe(wanted)
})

test.each([
  [
    'select a from t where b = $b and c=$1 and d > ?',
    'select a from t where b = ? and c = ? and d > ?',
  ],
  ["select $$it's$$, a[1:2], {'x': 1} from t", 'select ?, a[? : ?], {? : ?} from t'],
])('DuckDB: %s', (text, wanted) => {
  expect(textOf(text, 'duckdb')).toBe(wanted)
})

test('reads the tags of sqlcommenter and leaves those of one call out', () => {
  const text = "select 1 /*route='%2Forders%2F:id',traceparent='00-1-2-01',controller='orders'*/"
  const { fingerprint, tags } = fingerprintOf(text, POSTGRESQL)
  expect(tags).toEqual({ route: '/orders/:id', controller: 'orders' })
  expect(fingerprint.id).toBe(idOf('select 2'))
  const cache = new Fingerprints(POSTGRESQL)
  expect(cache.of(text).tags).toEqual(tags)
  expect(cache.of(text.replace('orders', 'users')).fingerprint).toBe(
    cache.of('select 1').fingerprint,
  )
})

test('texts that differ in values, spacing, case and comments alone have one fingerprint', () => {
  const value = fc.oneof(
    fc.integer().map(String),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n.toFixed(3)),
    fc.string().map((text) => `'${text.replaceAll("'", "''")}'`),
    fc.constant('null'),
    fc.constant('$7'),
  )
  const space = fc.constantFrom(' ', '\n', '\t  ', ' /* x */ ', ' -- y\n')
  const word = (text: string) => fc.constantFrom(text, text.toUpperCase())
  const made = fc
    .tuple(word('select'), space, word('from'), space, value, fc.array(value, { minLength: 1 }))
    .map(
      ([select, one, from, two, first, list]) =>
        `${select}${one}a ${from}${two}t where b = ${first} and c in (${list.join(',')})`,
    )
  fc.assert(
    fc.property(made, (text) => {
      expect(textOf(text)).toBe('select a from t where b = ? and c in (?)')
    }),
  )
})

test('any text has a fingerprint, that shows none of its quoted values', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.constantFrom('postgresql', 'mysql', 'sqlite', 'duckdb'),
      (text, database) => {
        expect(idOf(text, database)).toMatch(/^[0-9a-f]{16}$/)
      },
    ),
  )
  for (const database of ['postgresql', 'mysql', 'sqlite', 'duckdb'])
    expect(textOf("select * from t where a = 'secret", database)).toBe(
      'select * from t where a = ?',
    )
})

test('a long text is shortened, and its fingerprint is of all of it', () => {
  const columns = Array.from({ length: 1000 }, (_each, at) => `column_${at}`).join(', ')
  expect(textOf(`select ${columns} from t`).length).toBe(LONGEST_TEXT)
  expect(idOf(`select ${columns} from t`)).not.toBe(idOf(`select ${columns} from u`))
})

test('kind and tables are read without a grammar', () => {
  const shape = (text: string) => {
    const { kind, repeatable, tables } = fingerprintOf(text, POSTGRESQL).fingerprint
    return [kind, [...tables], repeatable]
  }
  expect(shape('select * from a join "B".c on true')).toEqual(['read', ['a', '"B".c'], true])
  expect(shape('with x as (select 1 from a) select * from x')).toEqual(['read', ['a'], true])
  expect(shape('with x as (delete from a returning 1) select * from x')).toEqual([
    'delete',
    ['a'],
    false,
  ])
  expect(shape('insert into a (b) select 1')).toEqual(['insert', ['a'], false])
  expect(shape('select * from jobs for update skip locked')).toEqual(['read', ['jobs'], false])
  expect(shape('select * from pg_class')).toEqual(['read', ['pg_class'], false])
  expect(shape('select 1')).toEqual(['read', [], false])
  expect(shape('BEGIN')).toEqual(['transaction', [], false])
  expect(shape('select * from generate_series(1, 2)')).toEqual(['read', [], false])
})

test('the cache of texts is bounded', () => {
  const cache = new Fingerprints(POSTGRESQL, 100_000)
  for (let n = 0; n < 5000; n += 1)
    cache.of(`select ${'a'.repeat(n % 97)}_${n} from t where x = ${n}`)
  expect(cache.of('select a from t where x = 1').fingerprint.text).toBe(
    'select a from t where x = ?',
  )
})

test.each([
  ['select * from t where id in (1, 2, 3)', 0, 3],
  ['select * from t where id in (1) and n = 5', 1, 1],
  ['select * from t where id in ($1, $2)', 0, 0],
  ["select * from t where name in ('a', 'b')", 2, 0],
  ["select * from t where id in (1, 'b')", 1, 1],
  ['select * from t where id not in (1, 2) and x in (select 3)', 1, 2],
])('values in the text of %s: %i, and %i numbers in lists', (text, literals, listedNumbers) => {
  expect(fingerprintOf(text, 'postgresql')).toMatchObject({ literals, listedNumbers })
})
