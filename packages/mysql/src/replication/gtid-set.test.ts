import { containsSet, parseMariadbSet, parseMysqlSet, sourcesBeyond } from './gtid-set.js'

const A = '3e11fa47-71ca-11e1-9e33-c80aa9429562'
const B = '4e11fa47-71ca-11e1-9e33-c80aa9429562'

/** A generator of numbers that are the same in every run. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1103515245 + 12345) % 2 ** 31
    return state / 2 ** 31
  }
}

/** A set as the transactions in it. */
type Model = Map<string, Set<number>>

function randomModel(next: () => number): Model {
  const model: Model = new Map()
  for (const source of [A, B, `${A}:tag`]) {
    const all = new Set<number>()
    for (let number = 1; number <= 12; number += 1) if (next() < 0.6) all.add(number)
    if (all.size > 0 && next() < 0.9) model.set(source, all)
  }
  return model
}

function write(model: Model, next: () => number): string {
  return [...model]
    .map(([source, all]) => {
      const sorted = [...all].sort((a, b) => a - b)
      const intervals: string[] = []
      for (let at = 0; at < sorted.length; ) {
        let end = at
        // Some that touch are written apart, and out of order, as nothing forbids it.
        while (sorted[end + 1] === (sorted[end] as number) + 1 && next() < 0.8) end += 1
        intervals.push(at === end ? `${sorted[at]}` : `${sorted[at]}-${sorted[end]}`)
        at = end + 1
      }
      if (next() < 0.3) intervals.reverse()
      return `${source}:${intervals.join(':')}`
    })
    .join(next() < 0.5 ? ',\n' : ',')
}

function lacks(one: Model, other: Model): string[] {
  return [...one]
    .filter(([source, all]) => [...all].some((each) => !other.get(source)?.has(each)))
    .map(([source]) => source)
}

test('sets of MySQL are compared as the sets of transactions that they stand for', () => {
  const next = numbers(7)
  for (let run = 0; run < 2000; run += 1) {
    const one = randomModel(next)
    const other = next() < 0.3 ? new Map([...one, ...randomModel(next)]) : randomModel(next)
    const first = parseMysqlSet(write(one, next))
    const second = parseMysqlSet(write(other, next))
    expect(sourcesBeyond(first, second).sort()).toEqual(lacks(one, other).sort())
    expect(containsSet(first, second)).toBe(lacks(other, one).length === 0)
  }
})

test('every set contains itself and the empty one', () => {
  const next = numbers(3)
  for (let run = 0; run < 200; run += 1) {
    const set = parseMysqlSet(write(randomModel(next), next))
    expect(containsSet(set, set)).toBe(true)
    expect(containsSet(set, parseMysqlSet(''))).toBe(true)
  }
})

test('in MariaDB the last of each server stands for all before it', () => {
  expect(containsSet(parseMariadbSet('0-1-7,0-2-9'), parseMariadbSet('0-1-6'))).toBe(true)
  expect(containsSet(parseMariadbSet('0-2-9'), parseMariadbSet('0-1-6'))).toBe(false)
  expect(sourcesBeyond(parseMariadbSet('0-1-7,0-2-9,1-1-1'), parseMariadbSet('0-1-7'))).toEqual([
    '0-2',
    '1-1',
  ])
})

test('names of servers are the same in capitals', () => {
  expect(containsSet(parseMysqlSet(`${A}:1-5`), parseMysqlSet(`${A.toUpperCase()}:5`))).toBe(true)
})

test.each(['nonsense', `${A}`, `${A}:x-y`, `${A}:1-2:*`, '0-1'])('%s is no set', (text) => {
  expect(() => parseMysqlSet(text)).toThrow(TypeError)
})

test.each(['0-1', '0-1-x', A])('%s is no set of MariaDB', (text) => {
  expect(() => parseMariadbSet(text)).toThrow(TypeError)
})
