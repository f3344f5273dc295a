import { isProgrammingError } from './programming-error.js'

test.each<[string, unknown, boolean]>([
  ['a TypeError', new TypeError('x is not a function'), true],
  ['a ReferenceError', new ReferenceError('x is not defined'), true],
  ['a RangeError', new RangeError('too deep'), true],
  ['a SyntaxError', new SyntaxError('Unexpected token'), true],
  ['an Error', new Error('refused'), false],
  [
    'an error of Node',
    Object.assign(new TypeError('Invalid URL'), { code: 'ERR_INVALID_URL' }),
    false,
  ],
  ['a failed system call', Object.assign(new RangeError('x'), { syscall: 'connect' }), false],
  [
    'a fetch that was refused',
    new TypeError('fetch failed', {
      cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }),
    }),
    false,
  ],
  [
    'a fetch that was refused at each address',
    new TypeError('fetch failed', { cause: new AggregateError([new Error('x')]) }),
    false,
  ],
  ['no error', 'TypeError', false],
])('%s is a mistake in the program: %#', (_name, error, expected) => {
  expect(isProgrammingError(error)).toBe(expected)
})
