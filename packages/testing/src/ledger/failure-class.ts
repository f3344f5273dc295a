import type { FailureKind } from '@connmgr/core/driver'

/**
 * What the failure of a write says about the write.
 *
 * - `not-sent`: it never reached a server
 * - `refused`: a server refused it without effect, as one that is no primary any more does
 * - `aborted`: the server reported that it ended the session, so the write was rolled back
 * - `conflict`: an ordinary conflict with another transaction
 * - `statement`: any other answer of the server; nothing was written
 * - `unknown`: in flight when the connection was lost; it may or may not have happened
 */
export type FailureClass = 'not-sent' | 'refused' | 'aborted' | 'conflict' | 'statement' | 'unknown'

export const FAILURE_CLASSES: readonly FailureClass[] = [
  'not-sent',
  'refused',
  'aborted',
  'conflict',
  'statement',
  'unknown',
]

/** What errors of a database say. */
export interface DatabaseErrors {
  classify(error: unknown): FailureKind
  /** Whether it is an answer of the database itself: only that tells that a statement had no effect. */
  isAnswer(error: object): boolean
}

/** By the error alone, which is all that a caller has; what does not say that nothing was written is unknown. */
export function failureClassOf(error: unknown, database: DatabaseErrors): FailureClass {
  for (const each of withCauses(error)) {
    const { code } = each as { code?: unknown }
    if (typeof code === 'string') {
      if (code === 'CONNMGR_COMMIT_OUTCOME_UNKNOWN') return 'unknown'
      if (code === 'CONNMGR_CONNECTION_LOST')
        return (each as { sent?: boolean }).sent === false ? 'not-sent' : 'aborted'
      if (/^CONNMGR_(ACQUIRE|QUEUE|POOL|CONNECT_)/.test(code)) return 'not-sent'
    }
    switch (database.classify(each)) {
      case 'unreachable':
      case 'starting':
      case 'busy':
      case 'setup':
        return 'not-sent'
      case 'read-only':
        return 'refused'
      case 'shutdown':
        return 'aborted'
      case 'serialization':
        return 'conflict'
      case 'lost':
        return 'unknown'
      case 'statement':
        if (database.isAnswer(each)) return 'statement'
    }
  }
  return 'unknown'
}

/** An error and those it wraps, as the three ORMs do it. */
function* withCauses(error: unknown): Generator<object> {
  let current = error
  for (let depth = 0; depth < 5 && typeof current === 'object' && current !== null; depth += 1) {
    const { cause, driverError, meta, originalCode } = current as {
      cause?: unknown
      driverError?: unknown
      meta?: { driverAdapterError?: unknown }
      originalCode?: unknown
    }
    // Prisma's adapters keep the SQLSTATE under a name of their own, in an object that is no error.
    yield originalCode === undefined ? current : Object.assign(new Error(), { code: originalCode })
    current = driverError ?? meta?.driverAdapterError ?? cause
  }
}
