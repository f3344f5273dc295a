import { classify } from '@connmgr/mysql'
import type { FailureClass } from '../../../demo/src/failure-class.js'

/** Errors that wrap errors are not nested deeper. */
const DEPTH = 5

/** As for node-postgres: told from the error alone; an error that does not prove that nothing was written is unknown. */
export function failureClassOf(error: unknown): FailureClass {
  let each = error
  for (let depth = 0; depth < DEPTH && typeof each === 'object' && each !== null; depth += 1) {
    const found = classOf(each as Told)
    if (found !== undefined) return found
    each = (each as Told).cause
  }
  return 'unknown'
}

interface Told {
  readonly code?: unknown
  readonly errno?: unknown
  readonly sent?: unknown
  readonly cause?: unknown
}

function classOf(error: Told): FailureClass | undefined {
  const { code, errno, sent } = error
  if (code === 'CONNMGR_COMMIT_OUTCOME_UNKNOWN') return 'unknown'
  if (code === 'CONNMGR_CONNECTION_LOST') return sent === false ? 'not-sent' : 'aborted'
  if (typeof code === 'string' && /^CONNMGR_(ACQUIRE|QUEUE|POOL|CONNECT_)/.test(code))
    return 'not-sent'
  switch (classify(error)) {
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
    case 'statement':
      // Only an answer of the server itself, which has a number, tells that the statement had no effect.
      return typeof errno === 'number' && errno > 0 ? 'statement' : undefined
    default:
      return 'unknown'
  }
}
