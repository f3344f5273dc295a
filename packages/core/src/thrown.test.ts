import { runInNewContext } from 'node:vm'
import { isError } from './thrown.js'

const OF_ANOTHER_REALM = `
  function OldStyle(message) {
    Error.call(this, message)
    this.message = message
    Error.captureStackTrace(this, OldStyle)
  }
  Object.setPrototypeOf(OldStyle.prototype, Error.prototype)
  Object.defineProperty(OldStyle.prototype, 'name', { value: 'OldStyle' });`

test.each([
  ['an error', new Error('here')],
  ['one of another realm', runInNewContext("new TypeError('there')")],
  [
    'one of another realm, of a class in the old style',
    runInNewContext(`${OF_ANOTHER_REALM} new OldStyle('there')`),
  ],
] as const)('%s is an error', (_what, thrown) => {
  expect(isError(thrown)).toBe(true)
})

test.each([undefined, null, 'text', { message: 'no more than that' }, { name: 'a', message: 'b' }])(
  '%j is none',
  (thrown) => {
    expect(isError(thrown)).toBe(false)
  },
)
