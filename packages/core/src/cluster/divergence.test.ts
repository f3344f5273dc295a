import { Divergence } from './divergence.js'
import type { History } from './history.js'

const HISTORY: History = {
  covers: (position, written) => Number(position) >= Number(written),
  order: (one, other) => (one > other ? 'newer' : one < other ? 'older' : 'same'),
}

test('a standby that was further than the writer has written since has left its history', () => {
  const divergence = new Divergence<string>(HISTORY)
  divergence.applied('b', 1000, '500', 'start-1')
  divergence.applied('c', 1000, '300', 'start-1')
  expect(divergence.written(2000, '400', '1')).toEqual(['b'])
  expect(divergence.has('b')).toBe(true)
  expect(divergence.has('c')).toBe(false)
  expect(divergence.written(3000, '450', '1')).toEqual([])
})

test('a standby that answered after the writer was asked may merely be quick', () => {
  const divergence = new Divergence<string>(HISTORY)
  divergence.applied('b', 2100, '500', 'start-1')
  expect(divergence.written(2000, '400', '1')).toEqual([])
  expect(divergence.written(2200, '500', '1')).toEqual([])
  expect(divergence.has('b')).toBe(false)
})

test('a writer after another promotion judges anew', () => {
  const divergence = new Divergence<string>(HISTORY)
  divergence.applied('c', 1000, '500', 'start-1')
  expect(divergence.written(2000, '400', '1')).toEqual(['c'])
  expect(divergence.written(3000, '600', '1')).toEqual([])
  expect(divergence.has('c')).toBe(true)
  expect(divergence.written(3000, '600', '2')).toEqual([])
  expect(divergence.has('c')).toBe(false)
})

test('it has, for as long as it runs, even when the writer has come further; a restart may have rewound it', () => {
  const divergence = new Divergence<string>(HISTORY)
  divergence.applied('b', 1000, '500', 'start-1')
  divergence.written(2000, '400', '1')
  divergence.applied('b', 3000, '500', 'start-1')
  divergence.written(4000, '900', '1')
  expect(divergence.has('b')).toBe(true)
  divergence.applied('b', 5000, '900', 'start-2')
  expect(divergence.has('b')).toBe(false)
})

test('one that was promoted is none any more', () => {
  const divergence = new Divergence<string>(HISTORY)
  divergence.applied('b', 1000, '500', 'start-1')
  divergence.written(2000, '400', '1')
  divergence.forget('b')
  expect(divergence.has('b')).toBe(false)
  expect(divergence.written(3000, '400', '1')).toEqual([])
})
