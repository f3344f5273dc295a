import { classify } from '@connmgr/mysql'
import { failureClassOf as classOf, type DatabaseErrors, type FailureClass } from '@connmgr/testing'

const MYSQL: DatabaseErrors = {
  classify,
  // Errors of the server have a number.
  isAnswer: ({ errno }: { errno?: unknown }) => typeof errno === 'number' && errno > 0,
}

export function failureClassOf(error: unknown): FailureClass {
  return classOf(error, MYSQL)
}
