import fc from 'fast-check'
import { fingerprint } from './fingerprint.js'

test.each([
  ['select 1', 'select ?'],
  ["select * from users where email = 'ada@example.com'", 'select * from users where email = ?'],
  ['select * from t1 where a = $1 and b = 2', 'select * from t1 where a = ? and b = ?'],
  ["select 'it''s', E'a\\'b', U&'x', b'01', $$y$$, $a$z$$$a$", 'select ?'],
  ['select "A ""b""" from "t"', 'select "A ""b""" from "t"'],
  ['select a\n  -- secret\n  from /* b /* c */ d */ t', 'select a from t'],
  ['select 1.5, .5, 1e-5, 1_000, 0xFF, 1.', 'select ?'],
  ['select a - 1, -1, (-2), a = -3', 'select a - ?, (?), a = ?'],
  ['select * from t where id in (1, 2,3)', 'select * from t where id in (?)'],
  ['select * from t where id IN ($1,$2)', 'select * from t where id IN (?)'],
  ['select * from t where id = any(array[1, 2])', 'select * from t where id = any(array[?])'],
  ["insert into t (a, b) values (1, 'x'), (2, 'y')", 'insert into t (a, b) values (?)'],
  [
    'select * from t where (a, b) in ((1, 2), (3, 4), (5, 6))',
    'select * from t where (a, b) in ((?))',
  ],
  ['select f(1) + -2 - 3 from a.b offset - 1', 'select f(?) + ? - ? from a.b offset ?'],
  ["alter role app password 'hunter2'", 'alter role app password ?'],
  ['do $$ begin perform 1; end $$', 'do ?'],
  ["select 'no end", 'select …'],
  ["select 'a\\' or 'b'", 'select …'],
  ['select "no end', 'select …'],
  ['select $a$no end', 'select …'],
  ['select /* no end', 'select …'],
  ['\\copy t from x', '…'],
  ['  ', ''],
])('the fingerprint of %j is %j', (text, shape) => {
  expect(fingerprint(text)).toBe(shape)
})

/** A literal of PostgreSQL that holds `value`. */
const LITERALS: readonly ((value: string) => string)[] = [
  (value) => `'${value.replaceAll("'", "''").replaceAll('\\', '/')}'`,
  (value) => `E'${value.replace(/['\\]/g, '\\$&')}'`,
  (value) => `e'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`,
  (value) => `$q$${value.replaceAll('$', '')}$q$`,
  (value) => `/* ${value.replace(/[*/]/g, '')} */ 1`,
  (value) => `-- ${value.replaceAll('\n', '')}\n2`,
]
const VALUE = fc
  .string({ unit: fc.constantFrom(...`aZ9 '"\\$;,()-/*\n`), maxLength: 12 })
  .map((middle) => `hunter${middle}Xyz`)

test('never shows a literal, and is the same whatever its value', () => {
  const literal = fc.record({ write: fc.constantFrom(...LITERALS), value: VALUE })
  fc.assert(
    fc.property(fc.array(literal, { minLength: 1, maxLength: 4 }), (literals) => {
      const shape = fingerprint(
        literals.map(({ write, value }, i) => `select ${write(value)} as c${i}`).join('; '),
      )
      expect(shape).toBe(literals.map((_, i) => `select ? as c${i}`).join('; '))
    }),
    { numRuns: 500 },
  )
})

test('a text that is cut in the middle shows nothing of the literal either', () => {
  fc.assert(
    fc.property(fc.constantFrom(...LITERALS.slice(0, 4)), VALUE, fc.nat(), (write, value, cut) => {
      const text = `select ${write(`${value}${value}`)}`
      const shape = fingerprint(text.slice(0, 9 + (cut % Math.max(1, text.length - 10))))
      expect(shape).not.toMatch(/hunter|Xyz/)
    }),
  )
})

test.each([
  "'",
  '"',
  '$',
  '$a$',
  '/*',
  '*/',
  '--',
  '(',
  '(?), ',
  '1',
  'a',
  "E'\\",
  '- ',
  'in (1, ',
  ' ',
  '(1), ',
])('takes time in proportion to the length of many %j', (piece) => {
  const measure = (length: number): number => {
    const text = piece.repeat(length / piece.length)
    const startedAt = process.cpuUsage().user
    fingerprint(text)
    return process.cpuUsage().user - startedAt
  }
  measure(20_000)
  const short = Math.max(measure(40_000), 4000)
  expect(measure(400_000)).toBeLessThan(short * 50)
})
