import { sendAwaited } from './awaited.js'

const client = {}
/** Notes its arguments; answers by a callback if it is given one. */
function answering(error?: Error): { calls: unknown[][]; query: (...args: unknown[]) => unknown } {
  const calls: unknown[][] = []
  const query = function (this: unknown, ...args: unknown[]): unknown {
    expect(this).toBe(client)
    calls.push(args)
    const callback = args.find((each) => typeof each === 'function')
    if (callback === undefined) return 'by itself'
    setImmediate(callback as (error: unknown, result: unknown) => void, error ?? null, 'rows')
    return undefined
  }
  return { calls, query }
}

test('a text is sent with a callback, and its answer is a promise', async () => {
  const { calls, query } = answering()
  await expect(sendAwaited(query, client, ['select $1', [1]])).resolves.toBe('rows')
  expect(calls).toEqual([['select $1', [1], expect.any(Function)]])
})

test('the promise is of the class that the client was given', async () => {
  class Own<T> extends Promise<T> {}
  const own = { _Promise: Own as unknown as PromiseConstructor }
  const query = (...args: unknown[]): void =>
    (args[2] as (error: null, result: string) => void)(null, 'rows')
  const answer = sendAwaited(query, own, ['select'])
  expect(answer).toBeInstanceOf(Own)
  await expect(answer).resolves.toBe('rows')
})

test('an error leads from who awaits it', async () => {
  const { query } = answering(new Error('no'))
  async function caller(): Promise<unknown> {
    return await sendAwaited(query, client, ['select'])
  }
  const error = await caller().catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ message: 'no', stack: expect.stringMatching(/ caller /) })
})

test('what has a callback, or describes a query, is sent as it is', () => {
  const { calls, query } = answering()
  const callback = (): void => {}
  const described = { text: 'select', values: [1] }
  const submittable = { submit: callback }
  const all = [['select', callback], ['select', [1], callback], [described], [submittable], [null]]
  for (const args of all) sendAwaited(query, client, [...args])
  expect(calls).toEqual(all)
  expect(described).toEqual({ text: 'select', values: [1] })
})

test('what the library throws at once is thrown at once', () => {
  const query = (): never => {
    throw new TypeError('no text')
  }
  expect(() => sendAwaited(query, client, ['select'])).toThrow('no text')
})
