import { ConnmgrError } from '@connmgr/core'
import {
  CALL_RULES,
  checkCall,
  type FunctionReference,
  ISOLATION_LEVELS,
} from '@connmgr/core/driver'
import type { ManagedPool } from '@connmgr/pg'
import type { PgTransactionConfig } from 'drizzle-orm/pg-core'
import type { PoolClient } from 'pg'

type Transact = (
  work: (tx: object) => Promise<unknown>,
  config?: PgTransactionConfig,
) => Promise<unknown>

/** What drizzle-orm 0.44 to 1.0 keeps on a database beyond its declared surface. */
interface DatabaseInternals {
  /** Runs everything on its `client`, which is a pool or a single client. */
  readonly session: { transaction: Transact }
}

/**
 * Closes two holes in drizzle's transactions, those of 0.x: a client whose BEGIN fails is never given back
 * (drizzle-orm#6114), and a ROLLBACK that fails hides the error that made it necessary (drizzle-orm#6023), be it of the
 * work or of COMMIT.
 *
 * Drizzle itself runs the transaction, on a session of one client, so that nested transactions, isolation and types
 * stay its own; borrowing and returning the client is ours.
 */
export function makeTransactionsSound(db: object, pool: ManagedPool): void {
  const { session } = db as DatabaseInternals
  const runOn = session.transaction
  const transaction: Transact = async (work, config) => {
    checkConfig(config)
    const client = await pool.connectFor(transaction as FunctionReference)
    const outcome: Outcome = { worked: false }
    const single = Object.create(session, { client: { value: observedClient(client, outcome) } })
    try {
      return await runOn.call(single, (tx) => observe(work(tx), outcome), config)
    } catch (error) {
      if (outcome.workFailure !== undefined) throw outcome.workFailure.error
      const { commitFailure } = outcome
      throw commitFailure instanceof ConnmgrError ? commitFailure : error
    } finally {
      client.release()
    }
  }
  session.transaction = transaction
}

/** Drizzle writes these into its SQL as they are. */
const CONFIG = {
  isolationLevel: CALL_RULES.oneOf(...ISOLATION_LEVELS),
  accessMode: CALL_RULES.oneOf('read only', 'read write'),
}

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
function checkConfig({ isolationLevel, accessMode }: PgTransactionConfig = {}): void {
  checkCall('transaction', { isolationLevel, accessMode }, CONFIG)
}

/** What a transaction has come to so far. Drizzle itself tells only of what failed last. */
interface Outcome {
  worked: boolean
  workFailure?: { readonly error: unknown }
  commitFailure?: unknown
}

async function observe(working: Promise<unknown>, outcome: Outcome): Promise<unknown> {
  try {
    const result = await working
    outcome.worked = true
    return result
  } catch (error) {
    outcome.workFailure = { error }
    throw error
  }
}

/** The client, for drizzle. What fails first after the work was done is COMMIT; the ROLLBACK after it hides that. */
function observedClient(client: PoolClient, outcome: Outcome): PoolClient {
  const query = async (...args: unknown[]): Promise<unknown> => {
    try {
      return await (client.query as (...all: unknown[]) => Promise<unknown>)(...args)
    } catch (error) {
      if (outcome.worked) outcome.commitFailure ??= error
      throw error
    }
  }
  return Object.create(client, { query: { value: query } })
}
