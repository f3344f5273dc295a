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
import { mayCommitBlock } from '../statement-text.js'
import { endsSession, isDeliberate, isQueryTimeout, isUnresolved, stageAtEnd } from './evidence.js'
import { Followed, followed } from './followed.js'
import { failureOf, type InFlight, lossOf, mayWrite, textOf } from './in-flight.js'
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
  /** Whether the caller of the latest statement is told more of an error than its query is. */
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
    this.#explainLosses()
  }

  /** Transactions that have ended, so that one can be told from the next. */
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
    const borrowers = this.#borrowers
    this.#effects = effects
    // What is shared is noted where it is handed over.
    const noted = (effects !== undefined || borrowers !== undefined) && !isShared(given)
    // Looked up at each call, so that instrumentation that patches the class later is not bypassed.
    const { query } = this.#prototype
    if (!noted && !this.#hasTimeout(given)) return query.apply(this.#client, args)
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
      const told = isQueryTimeout(error) ? this.#giveUpOn(statement, error) : error
      statement.failed(told)
      return told
    }
    return this.#send(
      () => followed(args, explain, () => query.apply(this.#client, args)),
      (waiting) => {
        statement.stage = 'unsent'
        whenSent(waiting, () => {
          statement.sentIn(this.#status)
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
    const refusal = this.#idle ? decide?.() : undefined
    if (refusal !== undefined) throw refusal
    if (this.#status === 'I') this.#begunIn = currentEffects()
    const statement = this.#statement(text)
    try {
      return await this.#send(run, (waiting) => {
        statement.stage = 'unsent'
        whenSent(waiting, () => {
          statement.sentIn(this.#status)
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
    if (!this.#gone || isShared(query)) return undefined
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
    if (this.transactions.ended === endedBefore && this.#inTransaction) return undefined
    return new TransactionRolledBackError(
      'COMMIT was not sent, as the work has ended its transaction itself: what it did after that is not part of it; ' +
        'leave COMMIT and ROLLBACK to the call that began it',
    )
  }

  /** The server, or a proxy before it, has told of an error. */
  heard(error: Error & ServerMessage): void {
    const query = this.#internals._activeQuery
    if (endsSession(error)) {
      this.lossCause ??= error
      if (query) this.#explain(query, stageAtEnd(query, error), this.#status, lossOf)
    } else if (query && isUnresolved(error)) this.#explain(query, 'sent', this.#status, failureOf)
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
    this.#borrowers?.noteDeliberateEnd()
  }

  /** Of the unit of work that has borrowed the connection, if that may be run again. */
  get #borrowers(): Effects | undefined {
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
    const status = this.#idle ? this.#status : undefined
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
  get #idle(): boolean {
    const { readyForQuery, _activeQuery, _queryQueue, _sentQueryQueue } = this.#internals
    return (
      readyForQuery !== false && !_activeQuery && !_queryQueue?.length && !_sentQueryQueue?.length
    )
  }

  /** In which the server begins with the next query. Of those that are sent behind others nothing is known. */
  get #status(): string | null | undefined {
    return this.#internals.pipeline === true ? undefined : this.#internals._txStatus
  }

  get #inTransaction(): boolean {
    const { _txStatus } = this.#internals
    return _txStatus === 'T' || _txStatus === 'E'
  }

  /** Nothing that is sent from now on reaches the server. */
  get #gone(): boolean {
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
    if (stage === 'unsent' && !this.#inTransaction) return lossOf(statement, cause)
    this.#givenUpOn ??= {
      cause,
      harmless:
        this.#inTransaction &&
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
    query.handleReadyForQuery = (connection) => query.handleError?.(failure, connection)
  }

  /**
   * When a connection is lost node-postgres tells all its queries the same. Each is to be told what that means for it:
   * those that wait were not sent; of those behind the first, which only a pipeline has, it is not known whether they
   * would have run in the transaction of that.
   */
  #explainLosses(): void {
    const internals = this.#internals as { _errorAllQueries?: (error: unknown) => void }
    const tellAll = internals._errorAllQueries
    if (tellAll === undefined) return
    internals._errorAllQueries = (error) => {
      const { _activeQuery, _queryQueue = [], _sentQueryQueue = [] } = this.#internals
      if (_activeQuery) this.#explain(_activeQuery, 'sent', this.#status, lossOf)
      for (const query of _sentQueryQueue) this.#explain(query, 'sent', undefined, lossOf)
      for (const query of _queryQueue) this.#explain(query, 'unsent', undefined, lossOf)
      tellAll.call(this.#client, error)
    }
  }

  /** Has a query told what the next error means for it. Those that are shared see to that themselves. */
  #explain(
    query: PendingQuery,
    stage: InFlight['stage'],
    status: InFlight['status'],
    meaning: (statement: InFlight, error: ServerMessage) => unknown,
  ): void {
    if (isShared(query) || query.handleError === undefined) return
    const { handleError } = query
    const { catalog } = this.#known
    const statement = { text: textOf(query), stage, status, catalog }
    query.handleError = (error, connection) => {
      query.handleError = handleError
      handleError.call(query, meaning(statement, error as ServerMessage), connection)
    }
  }
}

/** Whether a query is one of a lane, which sees to itself. */
export function isShared(query: unknown): boolean {
  return typeof query === 'object' && query !== null && 'lane' in query
}
