import type { FailureKind } from '../driver/failure-kind.js'
import { AcquireAbortedError, AcquireTimeoutError, PoolClosedError } from '../errors.js'
import {
  CommitOutcomeUnknownError,
  ConnectionDestroyedError,
  ConnectionLostError,
  QueryTimeoutError,
} from '../statement-errors.js'
import { registerErrors } from './error-readers.js'
import { failureOf, isDeliberate } from './failure.js'

const KINDS: Record<string, FailureKind> = {
  '25006': 'read-only',
  '40001': 'serialization',
  '53300': 'busy',
  '57P03': 'starting',
  ECONNRESET: 'lost',
  ECONNREFUSED: 'unreachable',
}
const classify = (error: unknown): FailureKind =>
  (error instanceof Error && KINDS[String((error as { code?: unknown }).code)]) || 'statement'
const driver = {
  classify,
  statements: {
    fingerprint: (text: string) => text,
    isDeliberate: (error: unknown) => (error as { code?: unknown }).code === '25P03',
  },
}
const coded = (code: string, rest: object = {}): Error =>
  Object.assign(new Error(code), { code, ...rest })
const timeout = (phase: 'wait' | 'connect') =>
  new AcquireTimeoutError({ message: 'late', phase, waitedMs: 1 })

test.each<[string, unknown, string]>([
  ['no connection in time', timeout('connect'), 'never-sent'],
  ['an exhausted pool', timeout('wait'), 'other'],
  ['a closed pool', new PoolClosedError('p'), 'other'],
  ['a statement that was not sent', new ConnectionLostError('a', 0, { sent: false }), 'never-sent'],
  ['a lost connection', new ConnectionLostError('a'), 'aborted'],
  ['a COMMIT in flight', new CommitOutcomeUnknownError(undefined), 'unknown'],
  ['a server that is no primary', coded('25006'), 'refused'],
  ['a conflict', coded('40001'), 'conflict'],
  ['a starting server', coded('57P03'), 'never-sent'],
  ['a full server', coded('53300'), 'never-sent'],
  ['a constraint', coded('23505'), 'other'],
  ['a socket that may be anything', coded('ECONNRESET'), 'other'],
  ['a refused connect that may be anything', coded('ECONNREFUSED'), 'other'],
  ['no error at all', undefined, 'other'],
  ['a string', 'cut', 'other'],
  ["a library's", new Error('q', { cause: coded('25006') }), 'refused'],
  ["a wrapper's", new Error('a', { cause: new Error('b', { cause: coded('40001') }) }), 'conflict'],
])('%s', (_what, error, failure) => expect(failureOf(error, driver)).toBe(failure))

test('an unknown outcome decides wherever it is', () => {
  const unknown = new CommitOutcomeUnknownError(undefined)
  expect(failureOf(new ConnectionLostError('a', unknown), driver)).toBe('unknown')
})

describe('an end on purpose', () => {
  test.each<[string, unknown]>([
    ['a time limit of ours', new ConnectionLostError('a', new QueryTimeoutError(5))],
    ['one of the server', new ConnectionLostError('a', coded('25P03'))],
    ['one that says so', new ConnectionLostError('a', undefined, { deliberate: true })],
    ['a lease that was destroyed', new ConnectionLostError('a', new ConnectionDestroyedError('b'))],
    ['one before anything was sent', new ConnectionLostError('a', coded('25P03'), { sent: false })],
    ['a signal', new AcquireAbortedError(undefined)],
    ["a library's", new Error('q', { cause: new ConnectionLostError('a', coded('25P03')) })],
    ['a conflict beside it', coded('40001', { cause: new QueryTimeoutError(5) })],
  ])('is nothing that repeating would mend: %s', (_what, error) => {
    expect(isDeliberate(error, driver)).toBe(true)
    expect(failureOf(error, driver)).toBe('other')
  })

  test('leaves an outcome unknown that is', () => {
    const error = new CommitOutcomeUnknownError(new QueryTimeoutError(5))
    expect(failureOf(error, driver)).toBe('unknown')
    expect(isDeliberate(error, driver)).toBe(true)
  })

  test.each<[string, unknown]>([
    ['a server that fails', new ConnectionLostError('a', coded('57P01'))],
    ['an exhausted pool', timeout('wait')],
    ['a business error', new Error('sold out')],
    ['nothing', undefined],
  ])('is not %s', (_what, error) => expect(isDeliberate(error, driver)).toBe(false))
})

test('an error that wraps itself has an end', () => {
  const error = new Error('a')
  error.cause = error
  expect(failureOf(error, driver)).toBe('other')
})

describe('errors of a library', () => {
  // Other files must not see it: each has modules of its own.
  registerErrors({
    failureOf: ({ code }) => (code === 'L1' ? 'conflict' : undefined),
    wrappedBy: ({ inner }) => [inner],
    originalOf: ({ noted }) => (typeof noted === 'string' ? coded(noted) : undefined),
  })
  registerErrors({})

  test.each<[string, unknown, string]>([
    ['that it names itself', coded('L1'), 'conflict'],
    ['that it names otherwise', coded('L2'), 'other'],
    ['that it wraps', Object.assign(new Error('q'), { inner: coded('25006') }), 'refused'],
    [
      'that it has noted',
      Object.assign(new Error('q'), { inner: { noted: '57P03' } }),
      'never-sent',
    ],
    [
      'of ours, whatever it calls it',
      coded('CONNMGR_CONNECTION_LOST', { inner: coded('L1') }),
      'aborted',
    ],
  ])('%s', (_what, error, failure) => expect(failureOf(error, driver)).toBe(failure))

  test.each<[string, unknown]>([
    ['wrapped', Object.assign(new Error('q'), { inner: coded('CONNMGR_QUERY_TIMEOUT') })],
    ['noted', Object.assign(new Error('q'), { inner: { noted: '25P03' } })],
  ])('tell an end on purpose: %s', (_what, error) => expect(isDeliberate(error, driver)).toBe(true))
})
