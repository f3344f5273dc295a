import { BoundedTexts } from './bounded-texts.js'

test('what is known of a text is kept, whatever else comes, as long as it is used', () => {
  const texts = new BoundedTexts<number>(100_000)
  texts.set('used', 1)
  for (let n = 0; n < 10_000; n += 1) {
    texts.set(`other ${n}`, n)
    expect(texts.get('used')).toBe(1)
  }
  expect(texts.get('other 0')).toBeUndefined()
})

test('the length of all texts together is bounded, however long or many they are', () => {
  const texts = new BoundedTexts<number>(100_000)
  for (let n = 0; n < 1000; n += 1) {
    texts.set(`${n}`.repeat(1 + (n % 1500)), n)
    expect(texts.characters).toBeLessThan(120_000)
  }
})

test('a text that is very long is not kept', () => {
  const texts = new BoundedTexts<number>(1000)
  texts.set('a'.repeat(100), 1)
  expect(texts.get('a'.repeat(100))).toBeUndefined()
  expect(texts.characters).toBe(0)
})
