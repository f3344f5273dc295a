import { fingerprint } from './fingerprint.js'

test.each([
  ['select * from t where a = 5', 'select * from t where a = ?'],
  ["select 'a''b', \"c\", -1.5, 0xff", 'select ?'],
  ['SELECT  a, `b c`\nfrom t -- secret', 'SELECT a, `b c` from t'],
  ['insert into t values (1, "x"), (2, "y"), (3, "z")', 'insert into t values (?)'],
  ['select a from t where b in (1,2, 3)', 'select a from t where b in (?)'],
  ['select a - 1, a -1 from t', 'select a - ?, a -? from t'],
  ['select /* secret */ 1 # secret', 'select ?'],
  ['update t set a = @b where c = ?', 'update t set a = @b where c = ?'],
  ["select 'no end", 'select …'],
  ["select 'it\\'s', secret", 'select …'],
  ['select 1 /*! secret */', 'select ? …'],
])('the shape of %s', (text, shape) => {
  expect(fingerprint(text)).toBe(shape)
})
