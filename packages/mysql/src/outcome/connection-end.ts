import { ConnectionLostError } from '@connmgr/core'
import { messageOf } from '@connmgr/core/driver'
import type { CommandQueue } from '../command-queue.js'
import {
  classify,
  type DriverError,
  errnoOf,
  isAnswerOfServer,
  isClientTimeout,
  isDeliberate,
} from '../errors/classify.js'
import type { Internals } from '../internals.js'
import { type InFlight, lossOf, UNSENT } from './in-flight.js'
import type { TransactionWatch } from './transaction-watch.js'

/**
 * What is known of the end of one connection: why nothing must be sent on it any more, and what that means for each
 * statement that it takes with it.
 */
export class ConnectionEnd {
  /** Why the connection is no more, or is about to be. */
  cause: Error | undefined
  /** While a transaction of the engine is open: how many were committed without COMMIT when it began. */
  commitsBefore: number | undefined
  /** The time limit of a statement that the server may still run: the next one would wait for it. */
  #givenUpOn: unknown
  readonly #internals: Internals
  readonly #queue: CommandQueue
  readonly #transactions: TransactionWatch

  constructor(internals: Internals, queue: CommandQueue, transactions: TransactionWatch) {
    this.#internals = internals
    this.#queue = queue
    this.#transactions = transactions
  }

  /** A statement was given up on. */
  get poisoned(): boolean {
    return this.#givenUpOn !== undefined
  }

  /** What is sent from now on waits for a statement with this time limit, and a COMMIT might take effect beside it. */
  giveUpOn(limit: unknown): void {
    this.#givenUpOn ??= limit
  }

  /** Why a statement must not be sent. */
  refusal(): Error | undefined {
    if (this.#givenUpOn !== undefined)
      return new ConnectionLostError(
        `not sent, as an earlier statement on this connection was given up on: ${messageOf(this.#givenUpOn)}`,
        this.#givenUpOn,
        { sent: false, deliberate: true },
      )
    if (!this.#queue.closed && !this.#internals.stream.destroyed) return undefined
    const cause =
      this.cause ?? this.#internals._fatalError ?? this.#internals._protocolError ?? undefined
    if (this.#committedBefore()) return lossOf({ ...UNSENT, committedBefore: true }, cause)
    return new ConnectionLostError(
      `not sent, as the connection is closed${cause === undefined ? '' : `: ${messageOf(cause)}`}`,
      cause,
      { sent: false, deliberate: isDeliberate(cause) },
    )
  }

  /** What an error means for a statement: the error itself unless the connection is gone with it. */
  explain(statement: InFlight, error: unknown): unknown {
    if (error instanceof ConnectionLostError) return error
    if (isClientTimeout(error)) return lossOf(statement, error)
    if (isAnswerOfServer(error)) return error
    const kind = classify(error)
    if (kind !== 'lost' && kind !== 'shutdown' && kind !== 'unreachable') return error
    const { begun, text, transactional } = statement
    const ended = errnoOf(error as DriverError) !== undefined && statement.stage === 'sent'
    const stage = ended ? 'aborted' : statement.stage
    const committedBefore = this.#committedBefore()
    return lossOf({ begun, committedBefore, stage, text, transactional }, this.cause ?? error)
  }

  /** Whether a part of the engine's transaction is committed: nothing of it must pass for undone. */
  #committedBefore(): boolean {
    return (
      this.commitsBefore !== undefined && this.#transactions.implicitCommits > this.commitsBefore
    )
  }
}
