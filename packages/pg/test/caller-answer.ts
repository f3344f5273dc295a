/** The answer that a caller got, as far as it says something of what was written. */
export type CallerAnswer = 'ok' | 'lost' | 'unknown' | 'rolled back' | 'failed'

/** @param outcome the error, undefined for success */
export function answerOf(outcome: unknown): CallerAnswer {
  if (outcome === undefined) return 'ok'
  const { code } = outcome as { code?: unknown }
  if (code === 'CONNMGR_COMMIT_OUTCOME_UNKNOWN') return 'unknown'
  if (code === 'CONNMGR_TRANSACTION_ROLLED_BACK') return 'rolled back'
  // Whatever else of ours has no connection to send anything on.
  return String(code).startsWith('CONNMGR_') ? 'lost' : 'failed'
}
