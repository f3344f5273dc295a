import { Divergence } from './divergence.js'

test('a standby that was further than the writer has written since has left its history', () => {
  const divergence = new Divergence<string>()
  divergence.replayed('b', 1000, 500n, 'start-1')
  divergence.replayed('c', 1000, 300n, 'start-1')
  expect(divergence.written(2000, 400n)).toEqual(['b'])
  expect(divergence.has('b')).toBe(true)
  expect(divergence.has('c')).toBe(false)
  expect(divergence.written(3000, 450n)).toEqual([])
})

test('a standby that answered after the writer was asked may merely be quick', () => {
  const divergence = new Divergence<string>()
  divergence.replayed('b', 2100, 500n, 'start-1')
  expect(divergence.written(2000, 400n)).toEqual([])
  expect(divergence.written(2200, 500n)).toEqual([])
  expect(divergence.has('b')).toBe(false)
})

test('a writer on a later timeline judges anew', () => {
  const divergence = new Divergence<string>()
  divergence.replayed('c', 1000, 500n, 'start-1')
  expect(divergence.written(2000, 400n, 1)).toEqual(['c'])
  expect(divergence.written(3000, 600n, 1)).toEqual([])
  expect(divergence.has('c')).toBe(true)
  expect(divergence.written(3000, 600n, 2)).toEqual([])
  expect(divergence.has('c')).toBe(false)
})

test('it has, for as long as it runs, even when the writer has come further; a restart may have rewound it', () => {
  const divergence = new Divergence<string>()
  divergence.replayed('b', 1000, 500n, 'start-1')
  divergence.written(2000, 400n)
  divergence.replayed('b', 3000, 500n, 'start-1')
  divergence.written(4000, 900n)
  expect(divergence.has('b')).toBe(true)
  divergence.replayed('b', 5000, 900n, 'start-2')
  expect(divergence.has('b')).toBe(false)
})

test('one that was promoted is none any more', () => {
  const divergence = new Divergence<string>()
  divergence.replayed('b', 1000, 500n, 'start-1')
  divergence.written(2000, 400n)
  divergence.forget('b')
  expect(divergence.has('b')).toBe(false)
  expect(divergence.written(3000, 400n)).toEqual([])
})
