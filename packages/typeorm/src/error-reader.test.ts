import { failureOf, registerErrors } from '@connmgr/core/driver'
import { QueryFailedError } from 'typeorm'
import { TYPEORM_ERRORS } from './error-reader.js'

registerErrors(TYPEORM_ERRORS)

const driver = {
  classify: (error: unknown) =>
    (error as { code?: unknown }).code === '40001'
      ? ('serialization' as const)
      : ('statement' as const),
}

test.each([
  ['40001', 'conflict'],
  ['CONNMGR_CONNECTION_LOST', 'aborted'],
  ['CONNMGR_QUERY_TIMEOUT', 'other'],
  ['23505', 'other'],
])("what the driver has said is read from TypeORM's error: %s", (code, failure) => {
  const error = new QueryFailedError('select 1', [], Object.assign(new Error(code), { code }))
  expect(failureOf(error, driver)).toBe(failure)
})
