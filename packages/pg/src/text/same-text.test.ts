import fc from 'fast-check'
import { sameText, TextsByLength } from './same-text.js'

const text = (length: number, letter: string): string => letter.repeat(length)

test('a text is the same as one of before', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 600, size: 'max' }), { minLength: 1 }), (texts) => {
      for (const each of [...texts, ...texts]) expect(sameText(each)).toBe(each)
    }),
  )
})

test('what is known of a text is known of that text alone', () => {
  const known = new TextsByLength<number>()
  known.set(text(300, 'a'), 1)
  expect(known.get(text(300, 'a'))).toBe(1)
  expect(known.get(text(300, 'b'))).toBeUndefined()
  expect(known.get(text(301, 'a'))).toBeUndefined()
  expect(known.get(text(300 + 256, 'a'))).toBeUndefined()
})

test('the latest text of a length is kept', () => {
  const known = new TextsByLength<number>()
  known.set(text(300, 'a'), 1)
  known.set(text(300, 'b'), 2)
  expect(known.get(text(300, 'a'))).toBeUndefined()
  expect(known.get(text(300, 'b'))).toBe(2)
})

test.each([0, 199, 8193, 1_000_000])('a text of %s characters is not kept', (length) => {
  const known = new TextsByLength<number>()
  known.set(text(length, 'a'), 1)
  expect(known.get(text(length, 'a'))).toBeUndefined()
})
