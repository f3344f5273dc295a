import type { FailureKind } from '../driver.js'
import {
  AcquireTimeoutError,
  CommitOutcomeUnknownError,
  ConnectionLostError,
  PoolClosedError,
} from '../errors.js'
import { failureOf } from './failure.js'

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
  ["TypeORM's", Object.assign(new Error('q'), { driverError: coded('40001') }), 'conflict'],
  ["Drizzle's", new Error('q', { cause: coded('25006') }), 'refused'],
  ["Prisma's of a model", coded('CONNMGR_CONNECTION_LOST', { clientVersion: '7' }), 'aborted'],
  ["Prisma's of a conflict", coded('P2034'), 'conflict'],
  [
    "Prisma's of a raw query",
    coded('P2010', {
      meta: {
        driverAdapterError: { name: 'DriverAdapterError', cause: { originalCode: '25006' } },
      },
    }),
    'refused',
  ],
  [
    "Prisma's of a transaction that found no connection",
    coded('P2028', {
      message: 'Transaction API error: Unable to start a transaction in the given time.',
    }),
    'never-sent',
  ],
  ["Prisma's of a transaction that took too long", coded('P2028'), 'other'],
  ["a wrapper's", new Error('a', { cause: new Error('b', { cause: coded('40001') }) }), 'conflict'],
])('%s', (_what, error, failure) => expect(failureOf(error, classify)).toBe(failure))

test('an unknown outcome decides wherever it is', () => {
  const unknown = new CommitOutcomeUnknownError(undefined)
  expect(failureOf(new ConnectionLostError('a', unknown), classify)).toBe('unknown')
})

test('an error that wraps itself has an end', () => {
  const error = new Error('a')
  error.cause = error
  expect(failureOf(error, classify)).toBe('other')
})
