import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { Scope } from './scope.js'

const scope = new Scope<string>()
/** Asks in the flow in which this is called, whenever that is. */
const later = () => AsyncResource.bind(() => scope.current)

test('a value holds in its work, however deep and late', async () => {
  expect(scope.current).toBeUndefined()
  await scope.run('a', async () => {
    expect(scope.current).toBe('a')
    await Promise.resolve()
    expect(scope.current).toBe('a')
  })
  expect(scope.current).toBeUndefined()
})

test('what the work leaves behind is out of it once its promise has settled', async () => {
  let left = later()
  const working = scope.run('a', async () => {
    left = later()
    await Promise.resolve()
    expect(left()).toBe('a')
    throw new Error('mine')
  })
  expect(left()).toBe('a')
  await expect(working).rejects.toThrow('mine')
  expect(left()).toBeUndefined()
})

test('and then in the work around, while that goes on', async () => {
  let left = later()
  await scope.run('outer', async () => {
    await scope.run('inner', async () => {
      left = later()
      expect(left()).toBe('inner')
    })
    expect(left()).toBe('outer')
  })
  expect(left()).toBeUndefined()
})

test('work that throws has ended, and work that returns no promise has not', () => {
  let left = later()
  expect(() =>
    scope.run('a', () => {
      left = later()
      throw new Error('mine')
    }),
  ).toThrow('mine')
  expect(left()).toBeUndefined()
  scope.run('middleware', () => {
    left = later()
  })
  expect(left()).toBe('middleware')
})

test('a query that begins when it is asked for its result is not begun by this', () => {
  let begun = 0
  // biome-ignore lint/suspicious/noThenProperty: that is what such a query has
  const query = { then: () => (begun += 1) }
  expect(scope.run('a', () => query)).toBe(query)
  expect(begun).toBe(0)
})

test('scopes know nothing of each other, and track asynchronous flows once for all', async () => {
  const run = jest.spyOn(AsyncLocalStorage.prototype, 'run')
  const scopes = Array.from({ length: 5 }, () => new Scope<number>())
  const values = () => scopes.map(({ current }) => current)
  const within = async (depth: number): Promise<void> => {
    await Promise.resolve()
    const expected = scopes.map((_each, index) => (index < depth ? index : undefined))
    expect(values()).toEqual(expected)
    await scopes[depth]?.run(depth, () => within(depth + 1))
    expect(values()).toEqual(expected)
  }
  await within(0)
  expect(run).toHaveBeenCalledTimes(scopes.length)
  expect(new Set(run.mock.contexts).size).toBe(1)
  run.mockRestore()
})

test('what one scope has left behind does not hide the value of another', async () => {
  const other = new Scope<string>()
  let left = later()
  await scope.run('mine', async () => {
    await other.run('theirs', async () => {
      left = later()
    })
    expect(left()).toBe('mine')
  })
  expect(left()).toBeUndefined()
})

test('a value that is entered holds for the flow and what it starts, until its end', async () => {
  let left = later()
  await new AsyncResource('request').runInAsyncScope(async () => {
    const end = scope.enter('request')
    expect(scope.current).toBe('request')
    await Promise.resolve()
    left = later()
    expect(left()).toBe('request')
    scope.run('inner', () => expect(scope.current).toBe('inner'))
    end()
    expect(scope.current).toBeUndefined()
  })
  expect(left()).toBeUndefined()
  expect(scope.current).toBeUndefined()
})
