import { classify } from '@connmgr/sqlite'
import { failureClassOf as classOf, type DatabaseErrors, type FailureClass } from '@connmgr/testing'

const SQLITE: DatabaseErrors = {
  classify,
  isAnswer: ({ code }: { code?: unknown }) =>
    typeof code === 'string' && code.startsWith('SQLITE_'),
}

export function failureClassOf(error: unknown): FailureClass {
  return classOf(error, SQLITE)
}
