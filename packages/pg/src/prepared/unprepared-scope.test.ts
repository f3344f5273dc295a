import { isUnprepared, unprepared } from './unprepared-scope.js'

test('it holds for what the work awaits, and for nothing after it', async () => {
  expect(
    await unprepared(async () => {
      await Promise.resolve()
      return isUnprepared()
    }),
  ).toBe(true)
  expect(await unprepared(() => isUnprepared())).toBe(true)
  expect(isUnprepared()).toBe(false)
})

test('it holds for work that begins only when it is awaited', async () => {
  const begun: boolean[] = []
  const query = Promise.resolve(1)
  const lazy: PromiseLike<number> = {
    // biome-ignore lint/suspicious/noThenProperty: builders of queries are like this
    then(onResolved, onRejected) {
      begun.push(isUnprepared())
      return query.then(onResolved, onRejected)
    },
  }
  expect(await unprepared(() => lazy)).toBe(1)
  expect(begun).toEqual([true])
})

test('work that throws rejects', async () => {
  const failing = unprepared(() => {
    throw new Error('no')
  })
  await expect(failing).rejects.toThrow('no')
})
