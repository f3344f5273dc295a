import { failureOf, registerErrors } from '@connmgr/core/driver'
import { PRISMA_ERRORS } from './error-reader.js'

registerErrors(PRISMA_ERRORS)

const coded = (code: string, rest: object = {}): Error =>
  Object.assign(new Error(code), { code, ...rest })
const driver = {
  classify: (error: unknown) =>
    (error as { code?: unknown }).code === '25006'
      ? ('read-only' as const)
      : ('statement' as const),
  isDeliberate: (error: unknown) => (error as { code?: unknown }).code === '25P03',
}
const raw = (originalCode: string): Error =>
  coded('P2010', {
    meta: { driverAdapterError: { name: 'DriverAdapterError', cause: { originalCode } } },
  })

test.each<[string, unknown, string]>([
  ['of a model', coded('CONNMGR_CONNECTION_LOST', { clientVersion: '7' }), 'aborted'],
  ['of a conflict', coded('P2034'), 'conflict'],
  ['of a raw query', raw('25006'), 'refused'],
  ['of a raw query that was ended on purpose', raw('25P03'), 'other'],
  [
    'of a transaction that found no connection',
    coded('P2028', {
      message: 'Transaction API error: Unable to start a transaction in the given time.',
    }),
    'never-sent',
  ],
  ['of a transaction that took too long', coded('P2028'), 'other'],
  ['of a constraint', coded('P2002', { meta: { target: ['email'] } }), 'other'],
])("Prisma's error %s is read", (_what, error, failure) =>
  expect(failureOf(error, driver)).toBe(failure),
)
