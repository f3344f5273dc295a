import { classify } from '@connmgr/pg'
import { failureClassOf as classOf, type DatabaseErrors, type FailureClass } from '@connmgr/testing'

const POSTGRES: DatabaseErrors = {
  classify,
  // Prisma's own codes look like SQLSTATEs.
  isAnswer: ({ code }: { code?: unknown }) =>
    typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^P[1-6]\d{3}$/.test(code),
}

export function failureClassOf(error: unknown): FailureClass {
  return classOf(error, POSTGRES)
}
