import { Doorkeeper } from './doorkeeper.js'
import { RecurringTexts } from './recurring-texts.js'

test('a text recurs from its fifth use on', () => {
  const texts = new RecurringTexts()
  for (let n = 1; n < 5; n += 1) expect(texts.count('select $1')).toBeUndefined()
  const recurring = texts.count('select $1')
  expect(recurring?.text).toBe('select $1')
  expect(texts.get('select $1')).toBe(recurring)
})

test('a flood of texts that come once leaves none behind, and does not hide one that recurs', () => {
  const texts = new RecurringTexts()
  let found = 0
  for (let n = 0; n < 50_000; n += 1) {
    texts.count(`select * from t where id in (${n}, ${n * 7})`)
    if (
      n % 500 === 0 &&
      texts.get('select $1') === undefined &&
      texts.count('select $1') !== undefined
    )
      found += 1
  }
  expect(found).toBe(1)
  expect(texts.size).toBeLessThan(50)
})

test('texts that recur are forgotten when there are too many, those used of late last', () => {
  const texts = new RecurringTexts()
  const learn = (text: string) => {
    for (let n = 0; n < 5 && texts.get(text) === undefined; n += 1) texts.count(text)
  }
  for (let n = 0; n < 3000; n += 1) {
    learn(`select ${n}, $1`)
    texts.get('select 0, $1')
  }
  expect(texts.size).toBeLessThanOrEqual(1000)
  expect(texts.get('select 0, $1')).toBeDefined()
  expect(texts.get('select 2999, $1')).toBeDefined()
  expect(texts.get('select 1, $1')).toBeUndefined()
})

test('a count is never too low, and fades', () => {
  const doorkeeper = new Doorkeeper()
  for (let n = 1; n <= 20; n += 1) expect(doorkeeper.count('a')).toBeGreaterThanOrEqual(n)
  for (let n = 0; n < 80_000; n += 1) doorkeeper.count(`${n % 3}`)
  expect(doorkeeper.count('a')).toBeLessThan(5)
})
