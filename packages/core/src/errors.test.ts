import { runInNewContext } from 'node:vm'
import { ConnectFailedError, isError, messageOf, toError } from './errors.js'
import { summarize } from './events/event-parts.js'

test('an error of several attempts without a message of its own shows theirs', () => {
  const refused = new AggregateError([new Error('::1 refused'), new Error('127.0.0.1 refused')])
  expect(messageOf(refused)).toBe('::1 refused; 127.0.0.1 refused')
  expect(new ConnectFailedError('db', refused).message).toBe(
    'cannot connect to db: ::1 refused; 127.0.0.1 refused',
  )
})

test('an error of several attempts with a message of its own keeps it', () => {
  expect(messageOf(new AggregateError([new Error('inner')], 'outer'))).toBe('outer')
})

test('an error without any message has an empty one', () => {
  expect(messageOf(new Error())).toBe('')
})

test.each([
  ['a word', 'a word'],
  [42, '42'],
  [undefined, 'undefined'],
  [null, 'null'],
])('thrown %p is shown as text, and becomes an error where one is needed', (thrown, text) => {
  expect(messageOf(thrown)).toBe(text)
  expect(toError(thrown)).toEqual(new Error(text))
  expect(summarize(thrown)).toEqual({ name: 'Error', message: text })
})

test('an error stays the one it is, also if it was made in another realm', () => {
  const own = new TypeError('own')
  const foreign: unknown = runInNewContext('new RangeError("foreign")')
  expect(toError(own)).toBe(own)
  expect(isError(foreign)).toBe(true)
  expect(toError(foreign)).toBe(foreign)
})

test('events carry the code of an error if it is text', () => {
  const withCode = (code: unknown) => summarize(Object.assign(new Error('no'), { code }))
  expect(withCode('ECONNREFUSED')).toEqual({ name: 'Error', message: 'no', code: 'ECONNREFUSED' })
  expect(withCode(7)).toEqual({ name: 'Error', message: 'no' })
})

test('an unknown cause is left out rather than set to undefined', () => {
  expect(new ConnectFailedError('db', undefined)).not.toHaveProperty('cause')
})
