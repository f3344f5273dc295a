import type { ResetFindings } from '@connmgr/core/driver'
import type { OwnResult, TextRow } from './own-query.js'
import type { SessionStatements } from './prepared/session-statements.js'
import type { PreparedStatements } from './prepared-statements.js'
import type { SessionChanges } from './session-changes.js'

const COUNT_ADVISORY_LOCKS =
  "select pg_catalog.count(*) from pg_catalog.pg_locks where locktype = 'advisory' and pid = pg_catalog.pg_backend_pid()"

/** What a reset cleans, and by what. */
interface ResetParts {
  readonly changes: SessionChanges
  readonly prepared: PreparedStatements | undefined
  readonly preparing: SessionStatements | undefined
  /** Runs a statement of ours. */
  ask<R extends TextRow>(text: string): Promise<OwnResult<R>>
  /** Runs again what has set the connection up. */
  setUp(args: unknown[]): unknown
}

/** Cleans a session, and sets it up again as the pool's own listeners have done. */
export async function resetSession(
  { changes, prepared, preparing, ask, setUp }: ResetParts,
  policy: 'reset-all' | 'discard-all',
): Promise<ResetFindings | undefined> {
  const advisoryLocks = changes.locks ? await countLocks(ask) : 0
  preparing?.beginReset()
  for (const text of changes.resetBy(policy)) await ask(text)
  preparing?.reset()
  // The client must not believe in what the server has forgotten.
  if (changes.forgetsPrepared(policy)) prepared?.forgetAll()
  for (const args of changes.setup) await setUp(args)
  changes.baseline()
  return advisoryLocks > 0 ? { advisoryLocks } : undefined
}

async function countLocks(ask: ResetParts['ask']): Promise<number> {
  const { rows } = await ask<[string]>(COUNT_ADVISORY_LOCKS)
  return Number(rows[0]?.[0] ?? 0)
}
