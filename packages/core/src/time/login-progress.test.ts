import { FakeClock } from '@connmgr/testing'
import { Deadlines } from './deadlines.js'
import { LoginProgress, whileProgressing } from './login-progress.js'
import { StallMonitor } from './stall.js'

function setUp() {
  const clock = new FakeClock()
  const progress = new LoginProgress()
  let received = 0
  progress.watch(() => received)
  let outcome = 'pending'
  const login = (work: Promise<unknown> = new Promise(() => {})): void => {
    const deadlines = new Deadlines(clock, new StallMonitor(clock))
    const limits = { quietMs: 1000, longestMs: 5000 }
    whileProgressing(deadlines, limits, progress, work, (ms) => new Error(`${ms} ms`)).then(
      () => {
        outcome = 'done'
      },
      (error: Error) => {
        outcome = error.message
      },
    )
  }
  return {
    clock,
    login,
    receive: (bytes: number) => {
      received += bytes
    },
    outcome: () => outcome,
  }
}

test('a login without a word is given up after its deadline', async () => {
  const { clock, login, outcome } = setUp()
  login()
  await clock.advance(999)
  expect(outcome()).toBe('pending')
  await clock.advance(2)
  expect(outcome()).toBe('1000 ms')
  expect(clock.pendingTimers).toBe(0)
})

test('one that goes on is left to finish', async () => {
  const { clock, login, outcome, receive } = setUp()
  let finish = (): void => {}
  login(
    new Promise<void>((resolve) => {
      finish = resolve
    }),
  )
  for (let second = 0; second < 4; second += 1) {
    await clock.advance(900)
    receive(10)
  }
  finish()
  await clock.advance(10)
  expect(outcome()).toBe('done')
  expect(clock.pendingTimers).toBe(0)
})

test('one that trickles for ever is given up in the end', async () => {
  const { clock, login, outcome, receive } = setUp()
  login()
  for (let i = 0; i < 60; i += 1) {
    await clock.advance(100)
    receive(1)
  }
  expect(outcome()).toBe('5000 ms')
})

test('one that has stopped in the middle is given as long again as it had come, and no more', async () => {
  const { clock, login, outcome, receive } = setUp()
  login()
  receive(1)
  await clock.advance(1001)
  expect(outcome()).toBe('pending')
  await clock.advance(1000)
  expect(outcome()).toBe('2000 ms')
})
