import { type NotedOrigin, notedOrigin } from './context.js'
import { nameCalls } from './named-calls.js'
import { userPath } from './stack.js'

/** A library whose statements begin in a later turn. */
class Library {
  watched = true

  async find(): Promise<NotedOrigin | undefined> {
    await new Promise(setImmediate)
    return notedOrigin()
  }
}

nameCalls(Library.prototype, ['find', 'ofALaterVersion'], (self) => self.watched)

test('a function that returns the promise of a call is where the call was made, wherever that is awaited', async () => {
  const library = new Library()
  function returns(): ReturnType<Library['find']> {
    return library.find()
  }
  async function awaits(): Promise<NotedOrigin | undefined> {
    return await returns()
  }
  const origin = await awaits()
  expect(origin?.exact).toBe(true)
  const path = origin?.stack === undefined ? [] : userPath(origin.stack, 2)
  expect(path.map(({ functionName }) => functionName)).toEqual(['returns', 'awaits'])
  expect(notedOrigin()).toBeUndefined()
})

test('nothing is noted while statements are not observed', async () => {
  const library = new Library()
  library.watched = false
  expect(await library.find()).toBeUndefined()
})

test('a method keeps its name and its number of parameters, and is wrapped but once', () => {
  const { find } = Library.prototype
  expect([find.name, find.length]).toEqual(['find', 0])
  nameCalls(Library.prototype, ['find'], () => true)
  expect(Library.prototype.find).toBe(find)
  expect(Object.hasOwn(Library.prototype, 'ofALaterVersion')).toBe(false)
})

test('beyond what may be captured the line is unknown, not that of the code that awaits', async () => {
  const library = new Library()
  const origins = await Promise.all(Array.from({ length: 3000 }, () => library.find()))
  const unread = origins.filter((each) => each?.stack === undefined)
  expect(unread.length).toBeGreaterThan(0)
  expect(unread.every((each) => each?.exact === true)).toBe(true)
})
