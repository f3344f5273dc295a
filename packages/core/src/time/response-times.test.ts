import { ResponseTimes } from './response-times.js'

function measured(...answers: number[]): ResponseTimes {
  const times = new ResponseTimes()
  for (const each of answers) times.answered(each)
  return times
}

test('nothing measured means the floor', () => {
  const times = new ResponseTimes()
  expect(times.known).toBe(false)
  expect(times.far).toBe(false)
  expect(times.answerWithinMs(250)).toBe(250)
  expect(times.loginWithinMs(1000)).toBe(1000)
})

test('a near server is held to the floor, until it has been slower', () => {
  const times = measured(1, 2, 1, 3)
  expect(times.answerWithinMs(250)).toBe(250)
  times.answered(400)
  expect(times.answerWithinMs(250)).toBe(500)
  for (let i = 0; i < 100; i += 1) times.answered(1)
  expect(times.answerWithinMs(250)).toBe(250)
})

test('a far server is given the time of a lost packet from the first answer on', () => {
  expect(measured(20).answerWithinMs(250)).toBe(1500)
  expect(measured(20).answerWithinMs(50)).toBe(300)
  expect(measured(20).answerWithinMs(4000)).toBe(4000)
  const times = measured(2)
  times.loggedIn(300)
  expect(times.far).toBe(false)
})

test('a server that is asked several things in a row is as far as one answer takes, and gets the time of all', () => {
  const times = new ResponseTimes()
  times.answered(15, 3)
  expect(times.far).toBe(false)
  expect(times.answerMs).toBe(45)
})

test('a deadline bears what has been seen twice over, and ends at its ceiling', () => {
  const times = measured(1000, 1800, 900, 2600, 1100)
  expect(times.answerWithinMs(250)).toBeGreaterThanOrEqual(2600)
  times.answered(60_000)
  expect(times.answerWithinMs(250)).toBe(5000)
  expect(times.answerWithinMs(100)).toBe(2000)
  times.loggedIn(600_000)
  expect(times.loginWithinMs(1000)).toBe(20_000)
  expect(times.longestLoginMs(1000)).toBe(20_000)
  expect(times.longestLoginMs(200)).toBe(4000)
})

test('a busy machine makes no server far', () => {
  const times = measured(2)
  for (let i = 0; i < 50; i += 1) times.answered(20)
  expect(times.answerWithinMs(250)).toBe(250)
})

test('a path that has become longer is called far once all that came sooner is forgotten', () => {
  const times = measured(1)
  for (let i = 0; i < 59; i += 1) times.answered(600)
  expect(times.far).toBe(false)
  times.answered(600)
  expect(times.far).toBe(true)
})

test('a login tells of answers until there are some', () => {
  const times = new ResponseTimes()
  times.loggedIn(400)
  expect(times.answerMs).toBe(1200)
  times.answered(100)
  expect(times.answerMs).toBe(300)
  expect(times.firstAnswerWithinMs(1000)).toBe(1500)
})
