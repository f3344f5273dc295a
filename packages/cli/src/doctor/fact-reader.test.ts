import { FactReader } from './fact-reader.js'

test('what cannot be read is noted without secrets, and the rest is read', async () => {
  const reader = new FactReader('db:5432/app', new AbortController().signal)
  const refuse = async (): Promise<never> => {
    throw new Error('permission denied for postgres://app:hidden-word@db/app\nHINT: more')
  }
  expect(await reader.read('settings', refuse)).toBeUndefined()
  expect(await reader.read('version', async () => 18)).toBe(18)
  expect(reader.notSeen).toEqual([
    {
      server: 'db:5432/app',
      what: 'settings',
      reason: expect.stringMatching(/^permission denied/),
    },
  ])
  expect(JSON.stringify(reader.notSeen)).not.toContain('hidden-word')
})

test('when the time is over, what never answers is given up, and nothing more is asked', async () => {
  const abort = new AbortController()
  const reader = new FactReader('db:5432/app', abort.signal)
  const reading = reader.read('addresses', () => new Promise(() => {}))
  abort.abort(new Error('no time was left'))
  expect(await reading).toBeUndefined()
  let asked = false
  await reader.read('version', async () => {
    asked = true
  })
  expect(asked).toBe(false)
  expect(reader.notSeen.map(({ what, reason }) => [what, reason])).toEqual([
    ['addresses', 'no time was left'],
    ['version', 'no time was left'],
  ])
})
