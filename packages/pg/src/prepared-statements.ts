import type { EventEmitter } from 'node:events'
import { isError } from '@connmgr/core/driver'
import type { PendingQuery, ServerMessage } from './client-internals.js'
import type { SessionStatements } from './prepared/session-statements.js'

/** What node-postgres keeps of the statements that it has prepared, by their names. */
interface PreparingConnection extends EventEmitter {
  parsedStatements?: Record<string, string>
  submittedNamedStatements?: Record<string, string>
  close?(message: { type: 'S'; name: string }): void
}

const NO_SUCH_STATEMENT = '26000'
const DUPLICATE_STATEMENT = '42P05'
const NOT_SUPPORTED = '0A000'
/** Where PostgreSQL finds that the columns of a plan are others now: its SQLSTATE stands for much else as well. */
const FINDS_STALE_PLAN = 'RevalidateCachedQuery'

/** What node-postgres believes to be prepared on one connection, kept true to what the server knows. */
export class PreparedStatements {
  readonly #connection: PreparingConnection
  /** Those that are prepared by themselves; undefined if none are. */
  own: Pick<SessionStatements, 'forgotten' | 'mayHaveForgotten'> | undefined
  #follows = false

  constructor(connection: EventEmitter) {
    this.#connection = connection
  }

  /**
   * The server and node-postgres disagree about a statement: both are to forget it, so that its next use prepares it
   * anew. The server does so behind all that has been sent, as node-postgres does for all that will be.
   */
  heal(error: ServerMessage, query: PendingQuery | null | undefined): void {
    const name = (query as { name?: unknown } | null | undefined)?.name
    if (typeof name !== 'string' || name === '' || !disagrees(error)) return
    const { parsedStatements, submittedNamedStatements } = this.#connection
    if (parsedStatements !== undefined) delete parsedStatements[name]
    if (submittedNamedStatements !== undefined) delete submittedNamedStatements[name]
    this.#connection.close?.({ type: 'S', name })
  }

  /** The server has forgotten all. */
  forgetAll(): void {
    this.own?.forgotten()
    if (this.#connection.parsedStatements !== undefined) this.#connection.parsedStatements = {}
    if (this.#connection.submittedNamedStatements !== undefined)
      this.#connection.submittedNamedStatements = {}
  }

  /** A borrower may have the server forget: from now on the ends of commands are watched for that. */
  follow(): void {
    if (this.#follows) return
    this.#follows = true
    this.#connection.on('commandComplete', ({ text }: { text?: string }) => {
      if (text === 'DISCARD ALL' || text === 'DEALLOCATE ALL') this.forgetAll()
      else if (text === 'DEALLOCATE') this.own?.mayHaveForgotten()
    })
  }
}

/**
 * Whether a named statement has failed before it began, because what was prepared under its name does not fit: it may be
 * run again, unless it was part of a transaction. What fails inside a function has the function for its context.
 */
export function wasStale(error: unknown, query: unknown): boolean {
  if (!isError(error) || typeof (query as { name?: unknown } | null)?.name !== 'string')
    return false
  return disagrees(error) && (error as { where?: unknown }).where === undefined
}

function disagrees({ code, routine }: ServerMessage): boolean {
  if (code === NO_SUCH_STATEMENT || code === DUPLICATE_STATEMENT) return true
  return code === NOT_SUPPORTED && routine === FINDS_STALE_PLAN
}
