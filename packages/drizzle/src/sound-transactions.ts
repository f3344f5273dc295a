import { CommitOutcomeUnknownError, type FunctionReference } from '@connmgr/core'
import { classify, type ManagedPool } from '@connmgr/pg'
import { type NodePgDatabase, NodePgSession } from 'drizzle-orm/node-postgres'
import type { PgTransactionConfig } from 'drizzle-orm/pg-core'

type SessionArguments = ConstructorParameters<typeof NodePgSession>
type Transact = (
  work: (tx: object) => Promise<unknown>,
  config?: PgTransactionConfig,
) => Promise<unknown>

/** What drizzle-orm 0.45 keeps on a session beyond its declared surface. */
interface SessionInternals {
  readonly dialect: SessionArguments[1]
  readonly schema: SessionArguments[2]
  readonly options: SessionArguments[3]
  transaction: Transact
}

/**
 * Closes two holes in drizzle's transactions, up to 0.45: a client whose BEGIN fails is never given back
 * (drizzle-orm#6114), and a ROLLBACK that fails hides the error that made it necessary (drizzle-orm#6023).
 *
 * Drizzle itself runs the transaction, on a session of one client, so that nested transactions, isolation and types
 * stay its own; borrowing and returning the client is ours.
 */
export function makeTransactionsSound(db: NodePgDatabase<never>, pool: ManagedPool): void {
  const session = (db as unknown as { session: SessionInternals }).session
  const transaction: Transact = async (work, config) => {
    const client = await pool.connectFor(transaction as FunctionReference)
    const single = new NodePgSession(client, session.dialect, session.schema, session.options)
    const outcome: { worked?: boolean; failure?: { error: unknown } } = {}
    const observed = async (tx: object): Promise<unknown> => {
      try {
        const result = await work(tx)
        outcome.worked = true
        return result
      } catch (error) {
        outcome.failure = { error }
        throw error
      }
    }
    try {
      return await (single as unknown as SessionInternals).transaction(observed, config)
    } catch (error) {
      if (outcome.failure !== undefined) throw outcome.failure.error
      // The work was done, so this is COMMIT's failure.
      if (outcome.worked === true && isLost(error)) throw new CommitOutcomeUnknownError(error)
      throw error
    } finally {
      client.release()
    }
  }
  session.transaction = transaction
}

/** Drizzle wraps the driver's error. */
function isLost(error: unknown): boolean {
  const kind = classify((error as { cause?: unknown }).cause ?? error)
  return kind === 'lost' || kind === 'shutdown' || kind === 'unreachable'
}
