import { ConnectionLostError, TransactionRolledBackError } from '@connmgr/core'
import {
  type ConnectionActivity,
  currentEffects,
  type Effects,
  messageOf,
  noteWrite,
} from '@connmgr/core/driver'
import type { Client } from 'pg'
import type { Catalog } from '../catalog/catalog.js'
import {
  type ClientInternals,
  internalsOf,
  type PendingQuery,
  type ServerMessage,
} from '../client-internals.js'
import { isShared, textOf } from '../given-query.js'
import { mayCommitBlock } from '../statement-text.js'
import { sendAwaited } from './awaited.js'
import { endsSession, isDeliberate, isQueryTimeout } from './evidence.js'
import { ExplainedFailures } from './explained-failures.js'
import { Followed, followed } from './followed.js'
import { type InFlight, lossOf, mayWrite, statusOf } from './in-flight.js'
import { answerRollback, refuse, whenSent } from './refusal.js'
import { TransactionWatch } from './transaction-watch.js'

type AnyQuery = (...args: unknown[]) => unknown

const ROLLBACK = /^\s*(?:rollback|abort)(?:\s+(?:work|transaction))?\s*;?\s*$/i

/** What a connection is known to be, beyond what node-postgres keeps. */
interface Known {
  /** Whose it is. */
  readonly activity: Pick<ConnectionActivity, 'lease'>
  readonly catalog: Catalog | undefined
  /** Cuts it off. */
  destroy(reason: Error): void
}

/** A statement that was given up on while the server may still run it. */
interface GivenUpOn {
  readonly cause: unknown
  /** Neither it nor the transaction that it was sent in can be committed any more. */
  readonly harmless: boolean
}

/**
 * Follows the statements of one client and gives each that fails an error that says what is known of its outcome: after a
 * lost connection, an end of the session by the server, a time limit, or a COMMIT that committed nothing. Refuses what must
 * not be sent.
 */
export class StatementTracker {
  /** Why the connection is no more, or is about to be. */
  lossCause: Error | undefined
  readonly #client: Client
  readonly #internals: ClientInternals
  readonly #prototype: { query: AnyQuery }
  readonly #known: Known
  readonly transactions = new TransactionWatch()
  readonly #failures: ExplainedFailures
  /** Whether the caller of the latest statement gets a fuller error than its query. */
  explainsLatest = false
  #givenUpOn: GivenUpOn | undefined
  #lost = false
  /** Of the work that has sent the latest statement, if that may be run again. */
  #effects: Effects | undefined
  /** Of the work that has sent the latest statement outside of a transaction, and so has begun the one that is open. */
  #begunIn: Effects | undefined

  constructor(client: Client, known: Known) {
    this.#client = client
    this.#internals = internalsOf(client)
    this.#prototype = Object.getPrototypeOf(client)
    this.#known = known
    const { connection } = this.#internals
    // Before node-postgres, which listens from `connect` on.
    connection?.on('commandComplete', ({ text }: { text: string }) => this.#commandEnded(text))
    connection?.on('readyForQuery', ({ status }: { status?: string }) =>
      this.transactions.ready(status, known.activity.lease),
    )
    this.#failures = new ExplainedFailures(client, known)
  }

  /** Transactions that have ended, which sets one apart from the next. */
  get transactionsEnded(): number {
    return this.transactions.ended
  }

  /** A statement was given up on: the next one would get its answer. */
  get poisoned(): boolean {
    return this.#givenUpOn !== undefined
  }

  /** What `client.query` does. */
  query(args: unknown[]): unknown {
    const [given] = args
    this.explainsLatest = false
    const refusal = this.refusal(given)
    if (refusal !== undefined) return this.#refuse(args, refusal)
    const effects = currentEffects()
    const borrowers = this.#borrowers()
    this.#effects = effects
    // What is shared is noted where it is handed over.
    const noted = (effects !== undefined || borrowers !== undefined) && !isShared(given)
    // Looked up at each call, so that instrumentation that patches the class later is not bypassed.
    const { query } = this.#prototype
    if (!noted && !this.#hasTimeout(given)) return sendAwaited(query, this.#internals, args)
    this.explainsLatest = true
    const statement = this.#statement(given)
    if (statement.status === 'I') this.#begunIn = effects ?? borrowers?.alive
    try {
      if (noted && mayWrite(statement)) {
        if (statement.status !== 'I') this.#begunIn?.requireCommittable()
        statement.endWrite = noteWrite(effects, borrowers)
      }
    } catch (error) {
      return refuse(args, error)
    }
    const explain = (error: unknown): unknown => {
      const explained = isQueryTimeout(error) ? this.#giveUpOn(statement, error) : error
      statement.failed(explained)
      return explained
    }
    return this.#send(
      () => followed(args, explain, () => query.apply(this.#client, args)),
      (waiting) => {
        statement.stage = 'unsent'
        whenSent(waiting, () => {
          statement.sentIn(statusOf(this.#internals))
          return undefined
        })
      },
    )
  }

  /**
   * Runs a statement of the engine's.
   *
   * @param run sends it
   * @param decide called when it is about to be sent; an error that it returns is thrown instead
   */
  async ask<T>(text: string, run: () => Promise<T>, decide?: () => Error | undefined): Promise<T> {
    const refusal = this.#idle() ? decide?.() : undefined
    if (refusal !== undefined) throw refusal
    if (statusOf(this.#internals) === 'I') this.#begunIn = currentEffects()
    const statement = this.#statement(text)
    try {
      return await this.#send(run, (waiting) => {
        statement.stage = 'unsent'
        whenSent(waiting, () => {
          statement.sentIn(statusOf(this.#internals))
          return decide?.()
        })
      })
    } catch (error) {
      throw isQueryTimeout(error) ? this.#giveUpOn(statement, error) : error
    }
  }

  /** Why a query must not be sent. */
  refusal(query: unknown): Error | undefined {
    if (this.#givenUpOn !== undefined) {
      const { cause } = this.#givenUpOn
      return new ConnectionLostError(
        `not sent, as an earlier statement on this connection was given up on: ${messageOf(cause)}`,
        cause,
        { sent: false, deliberate: true },
      )
    }
    if (!this.#gone() || isShared(query)) return undefined
    const why = this.lossCause
    // Begins as node-postgres would put it.
    const what =
      this.#internals._ending === true
        ? 'Client was closed and is not queryable'
        : 'Client has encountered a connection error and is not queryable'
    const cause = new Error(why === undefined ? what : `${what}: ${why.message}`, { cause: why })
    return lossOf({ text: textOf(query), status: undefined, stage: 'unsent' }, cause)
  }

  /** Why the COMMIT of a transaction must not be sent that began when so many had ended. */
  refusalOfCommit(endedBefore: number | undefined): Error | undefined {
    const refusal = this.refusal('COMMIT')
    if (refusal !== undefined) return refusal
    if (this.transactions.ended === endedBefore && this.#inTransaction()) return undefined
    return new TransactionRolledBackError(
      'COMMIT was not sent, as the work has ended its transaction itself: what it did after that is not part of it; ' +
        'leave COMMIT and ROLLBACK to the call that began it',
    )
  }

  /** The server, or a proxy in front of it, has answered with an error. */
  answeredWith(error: Error & ServerMessage): void {
    if (endsSession(error)) this.lossCause ??= error
    this.#failures.answered(error)
  }

  /** The connection is gone. */
  lost(error: Error): void {
    this.#lost = true
    this.lossCause ??= error
    if (isDeliberate(this.lossCause)) this.#noteDeliberateEnd()
  }

  /** For libraries that keep of an error no more than its code. */
  #noteDeliberateEnd(): void {
    this.#effects?.noteDeliberateEnd()
    this.#borrowers()?.noteDeliberateEnd()
  }

  /** Of the unit of work that has borrowed the connection, if that may be run again. */
  #borrowers(): Effects | undefined {
    return this.#known.activity.lease?.owner.effects as Effects | undefined
  }

  #refuse(args: unknown[], refusal: Error): unknown {
    const text = textOf(args[0])
    const submittable = typeof (args[0] as PendingQuery | undefined)?.submit === 'function'
    if (!this.#givenUpOn?.harmless || submittable || !ROLLBACK.test(text ?? ''))
      return refuse(args, refusal)
    // The session ends, and its transaction with it.
    this.#known.destroy(refusal)
    return answerRollback(args)
  }

  /** A statement that is about to be sent, or to wait. */
  #statement(query: unknown): Followed {
    const status = this.#idle() ? statusOf(this.#internals) : undefined
    return new Followed(textOf(query), status, this.#known.catalog)
  }

  /** @param waits called with the query that `send` has left waiting behind others, if it has */
  #send<T>(send: () => T, waits: (query: PendingQuery) => void): T {
    const before = this.#internals._queryQueue?.length ?? 0
    const result = send()
    const { _queryQueue = [] } = this.#internals
    const waiting = _queryQueue.length > before ? _queryQueue.at(-1) : undefined
    if (waiting !== undefined) waits(waiting)
    return result
  }

  /** Whether what is sent now is begun with at once, so that the status is known in which it is. */
  #idle(): boolean {
    const { readyForQuery, _activeQuery, _queryQueue, _sentQueryQueue } = this.#internals
    return (
      readyForQuery !== false && !_activeQuery && !_queryQueue?.length && !_sentQueryQueue?.length
    )
  }

  #inTransaction(): boolean {
    const { _txStatus } = this.#internals
    return _txStatus === 'T' || _txStatus === 'E'
  }

  /** Nothing that is sent from now on reaches the server. */
  #gone(): boolean {
    const { connection, _ending, _queryable } = this.#internals
    return (
      this.#lost ||
      _queryable === false ||
      _ending === true ||
      connection?.stream.destroyed === true
    )
  }

  #hasTimeout(query: unknown): boolean {
    const own = (query as { query_timeout?: unknown } | null | undefined)?.query_timeout
    return Boolean(own || this.#internals.connectionParameters?.query_timeout)
  }

  /**
   * A statement sent from now on, above all a COMMIT, would take effect beside one that the server may still run. So none is
   * sent.
   */
  #giveUpOn(statement: InFlight, cause: unknown): Error {
    const { text, stage, status } = statement
    const within = status === 'T' || status === 'E'
    this.#noteDeliberateEnd()
    if (stage === 'unsent' && !this.#inTransaction()) return lossOf(statement, cause)
    this.#givenUpOn ??= {
      cause,
      harmless:
        this.#inTransaction() &&
        (stage === 'unsent' || (within && text !== undefined && !mayCommitBlock(text))),
    }
    const { connection, _queryQueue } = this.#internals
    const refusal = this.refusal(undefined)
    for (const query of _queryQueue?.splice(0) ?? [])
      process.nextTick(() => query.handleError?.(refusal, connection))
    return lossOf(statement, cause)
  }

  #commandEnded(tag: string): void {
    const query = this.#internals._activeQuery
    const { lease } = this.#known.activity
    const failure = this.transactions.commandEnded(tag, () => textOf(query), lease)
    if (failure === undefined || !query) return
    const fail: typeof query.handleReadyForQuery = (connection) =>
      query.handleError?.(failure, connection)
    Object.assign(query, { handleReadyForQuery: fail })
  }
}
