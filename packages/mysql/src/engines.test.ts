import { Engines } from './engines.js'

/** Engines whose questions are answered by the test. */
function asking() {
  let now = 0
  const engines = new Engines(() => now)
  const questions: { answer(count: string): void; fail(): void }[] = []
  const read = (): void =>
    engines.read(
      'a',
      () =>
        new Promise((resolve, reject) => {
          questions.push({
            answer: (count) => resolve([[count]]),
            fail: () => reject(new Error('gone')),
          })
        }),
    )
  return {
    engines,
    questions,
    read,
    tables: engines.of('a'),
    pass: (ms: number) => {
      now += ms
    },
  }
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await undefined
}

test('what is known counts for a while, for who has asked for it before, too', async () => {
  const { pass, questions, read, tables } = asking()
  expect(tables.transactional).toBe(false)
  read()
  read()
  expect(questions).toHaveLength(1)
  questions[0]?.answer('0')
  await settled()
  expect(tables.transactional).toBe(true)
  read()
  expect(questions).toHaveLength(1)
  pass(300_000)
  read()
  questions[1]?.answer('1')
  await settled()
  expect(tables.transactional).toBe(false)
})

test('a server that could not be asked is in doubt, and is asked again later', async () => {
  const { pass, questions, read, tables } = asking()
  read()
  questions[0]?.fail()
  await settled()
  expect(tables.transactional).toBe(false)
  read()
  expect(questions).toHaveLength(1)
  pass(10_000)
  read()
  expect(questions).toHaveLength(2)
})

test('an answer to what was asked before a table may have been made says nothing', async () => {
  const { engines, questions, read, tables } = asking()
  read()
  engines.forget('a')
  questions[0]?.answer('0')
  await settled()
  expect(tables.transactional).toBe(false)
  read()
  questions[1]?.answer('0')
  await settled()
  expect(tables.transactional).toBe(true)
  engines.forget('a')
  expect(tables.transactional).toBe(false)
})
