import { classify } from '@connmgr/mysql'
import {
  failureClassOf as classOf,
  type DatabaseErrors,
  type FailureClass,
} from '../../../demo/src/failure-class.js'

const MARIADB: DatabaseErrors = {
  classify,
  // Errors of the server have a number.
  isAnswer: ({ errno }: { errno?: unknown }) => typeof errno === 'number' && errno > 0,
}

export function failureClassOf(error: unknown): FailureClass {
  return classOf(error, MARIADB)
}
