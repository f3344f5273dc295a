import { type Linked, LinkedList } from './linked-list.js'

class Item implements Linked<Item> {
  previous: Item | undefined = undefined
  next: Item | undefined = undefined
  list: LinkedList<Item> | undefined = undefined

  constructor(readonly name: string) {}
}

function listOf(names: string) {
  const list = new LinkedList<Item>()
  const items = [...names].map((name) => new Item(name))
  for (const item of items) list.push(item)
  return { list, items }
}

/** The names from first to last, after a check that they are the same from last to first. */
function names(list: LinkedList<Item>): string {
  const forwards = [...list].map((item) => item.name)
  const backwards: string[] = []
  for (let item = list.last; item !== undefined; item = item.previous) backwards.unshift(item.name)
  expect(backwards).toEqual(forwards)
  expect(list.size).toBe(forwards.length)
  expect(list.first?.name).toBe(forwards[0])
  return forwards.join('')
}

test.each([
  [0, 'bcd'],
  [1, 'acd'],
  [3, 'abc'],
])('without its item %i a list of abcd is %s', (index, rest) => {
  const { list, items } = listOf('abcd')
  const item = items[index] as Item
  expect(list.remove(item)).toBe(true)
  expect(names(list)).toBe(rest)
  expect(item).toEqual(new Item(item.name))
  expect(list.remove(item)).toBe(false)
  list.push(item)
  expect(names(list)).toBe(rest + item.name)
})

test('is shifted from its beginning until it is empty', () => {
  const { list } = listOf('ab')
  expect([list.shift()?.name, list.shift()?.name, list.shift()]).toEqual(['a', 'b', undefined])
  expect(names(list)).toBe('')
})

test('what stands in another list is not removed', () => {
  const { list, items } = listOf('ab')
  expect(listOf('c').list.remove(items[0] as Item)).toBe(false)
  expect(names(list)).toBe('ab')
})

test('the item that is visited may leave', () => {
  const { list } = listOf('abc')
  for (const item of list) if (item.name !== 'b') list.remove(item)
  expect(names(list)).toBe('b')
})
