import { invalid } from './rules.js'

test.each<[unknown, string]>([
  ['postgres://u:secret@db', 'a string'],
  ['password=secret', 'a string'],
  ['fast', '"fast"'],
  [['secret'], 'an array'],
  [{ secret: 1 }, 'an object'],
  [() => 'secret', 'a function'],
  [null, 'null'],
  [-1, '-1'],
])('the wrong value %p is shown as %s', (value, shown) => {
  expect(invalid('o', value, 'right').message).toBe(`option "o" must be right, but it is ${shown}`)
})
