import { ConnmgrError } from '@connmgr/core'
import type { FunctionReference } from '@connmgr/core/driver'

type Transact = (work: (tx: object) => Promise<unknown>, config?: object) => Promise<unknown>

/** What drizzle-orm 0.44 to 1.0 keeps on a database of a server beyond its declared surface. */
interface DatabaseInternals {
  /** Runs everything on its `client`, which is a pool or a single client. */
  readonly session: { transaction: Transact }
}

/** A client that a transaction has borrowed, as drizzle takes it. */
interface Borrowed {
  readonly client: object
  release(): void
}

/** How the transactions of one kind of database borrow. */
export interface Borrowing {
  /** Lends a client; leak reports begin above `below`. */
  borrow(below: FunctionReference): Promise<Borrowed>
  /** The methods of the client that send statements and answer by promises. */
  readonly sends: readonly string[]
  /** Drizzle writes what a transaction is given into its SQL as it is. @throws InvalidOptionError */
  checkConfig(config: object | undefined): void
}

/**
 * Closes two holes in drizzle's transactions, those of 0.x: a client whose BEGIN fails is never given back
 * (drizzle-orm#6114), and a ROLLBACK that fails hides the error that made it necessary (drizzle-orm#6023), be it of the
 * work or of COMMIT.
 *
 * Drizzle itself runs the transaction, on a session of one client, so that nested transactions, isolation and types
 * stay its own; borrowing and returning the client is ours.
 */
export function makeTransactionsSound(db: object, borrowing: Borrowing): void {
  const { session } = db as DatabaseInternals
  const runOn = session.transaction
  const transaction: Transact = async (work, config) => {
    borrowing.checkConfig(config)
    const borrowed = await borrowing.borrow(transaction as FunctionReference)
    const outcome: Outcome = { worked: false }
    const client = observedClient(borrowed.client, borrowing.sends, outcome)
    const single = Object.create(session, { client: { value: client } })
    try {
      return await runOn.call(single, (tx) => observe(work(tx), outcome), config)
    } catch (error) {
      if (outcome.workFailure !== undefined) throw outcome.workFailure.error
      const { commitFailure } = outcome
      throw commitFailure instanceof ConnmgrError ? commitFailure : error
    } finally {
      borrowed.release()
    }
  }
  session.transaction = transaction
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
function observedClient(client: object, sends: readonly string[], outcome: Outcome): object {
  const methods = sends.map((name) => {
    const send = (client as Record<string, (...args: unknown[]) => Promise<unknown>>)[name]
    const value = async (...args: unknown[]): Promise<unknown> => {
      try {
        return await send?.apply(client, args)
      } catch (error) {
        if (outcome.worked) outcome.commitFailure ??= error
        throw error
      }
    }
    return [name, { value }] as const
  })
  return Object.create(client, Object.fromEntries(methods))
}
