import {
  type ConnectionActivity,
  type ConnectionCondition,
  ConnectionLostError,
  type ConnectionSignal,
  currentEffects,
  type Effects,
  messageOf,
  type ResetFindings,
  type Role,
  TransactionRolledBackError,
  type WriteEnd,
} from '@connmgr/core'
import type { Client, QueryArrayResult } from 'pg'
import { requestCancel } from './cancel.js'
import {
  type ClientInternals,
  internalsOf,
  type PendingQuery,
  type ServerMessage,
} from './client-internals.js'
import { isSubmittable, OpenStatements, type StatementConnection } from './open-statement.js'
import {
  endsSession,
  isDeliberate,
  isQueryTimeout,
  isUnresolved,
  stageAtEnd,
} from './outcome/evidence.js'
import {
  endOfFailed,
  failureOf,
  type InFlight,
  lossOf,
  mayWrite,
  textOf,
} from './outcome/in-flight.js'
import { answerRollback, refuse, whenSent } from './outcome/refusal.js'
import { learnSeverity } from './outcome/severity.js'
import { TransactionWatch } from './outcome/transaction-watch.js'
import { noteWrite } from './outcome/write-note.js'
import { PreparedStatements } from './prepared-statements.js'
import { SessionChanges } from './session-changes.js'
import { mayCommit } from './statement-text.js'

type AnyQuery = (...args: unknown[]) => unknown

const SHUTDOWN_CODES: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03'])
const READ_ONLY = '25006'
const UNFINISHED =
  'the work has left a cursor, a stream or a COPY open, so its transaction could not be ended and nothing was committed; ' +
  'close it before the work resolves'
const COUNT_ADVISORY_LOCKS =
  "select count(*)::int from pg_catalog.pg_locks where locktype = 'advisory' and pid = pg_catalog.pg_backend_pid()"
const ROLLBACK = /^\s*(?:rollback|abort)(?:\s+(?:work|transaction))?\s*;?\s*$/i

/** A statement whose answer nobody waits for any more, though the server may still be at it. */
interface GivenUpOn {
  readonly cause: unknown
  /** It cannot have committed anything, and neither can what it was sent in any more. */
  readonly harmless: boolean
}

/** What we know and note about one client, from before it connects until after it has closed. */
export class Session {
  readonly activity: ConnectionActivity
  /** From the ParameterStatus `in_hot_standby`, which servers send from version 14 on, and from every validation. */
  role: Role = 'unknown'
  readonly #changes: SessionChanges
  readonly #prepared: PreparedStatements | undefined
  readonly #open = new OpenStatements()
  readonly #client: Client
  readonly #internals: ClientInternals
  readonly #prototype: { query: AnyQuery }
  readonly #onSignal: (signal: ConnectionSignal) => void
  #live = false
  #closing = false
  #lost = false
  /** Why the connection is no more, or is about to be. */
  #lossCause: Error | undefined
  #givenUpOn: GivenUpOn | undefined
  readonly #transactions = new TransactionWatch()
  /** Transactions that had ended when the engine began its own. */
  #endedBefore: number | undefined
  #received: Buffer = Buffer.alloc(0)
  /** Of the work that has sent the latest statement, if that may be run again. */
  #effects: Effects | undefined
  /** Of the work that has sent the latest statement outside of a transaction, and so has begun the one that is open. */
  #begunIn: Effects | undefined

  constructor(client: Client, onSignal: (signal: ConnectionSignal) => void) {
    this.#client = client
    this.#internals = internalsOf(client)
    this.#prototype = Object.getPrototypeOf(client)
    this.#onSignal = onSignal
    this.activity = activityOf(this.#internals)
    // Stays for the client's whole life: an 'error' nobody listens to would end the process.
    client.on('error', (error: Error) => this.#onLost(error))
    client.on('end', () => this.#onLost(new Error('Connection terminated unexpectedly')))
    client.on('notice', (notice) => this.#onServerMessage(notice as Error & ServerMessage))
    const { connection } = this.#internals
    this.#changes = new SessionChanges(client)
    this.#prepared = connection && new PreparedStatements(connection)
    this.#open.isCurrent = (query) => this.#internals._activeQuery === query
    // Before node-postgres, which listens from `connect` on.
    connection?.on('errorMessage', (error: Error & ServerMessage) => this.#onErrorMessage(error))
    connection?.on('commandComplete', ({ text }: { text: string }) => this.#onCommandEnded(text))
    connection?.on('readyForQuery', ({ status }: { status?: string }) =>
      this.#transactions.ready(status, this.activity.lease),
    )
    connection?.on(
      'parameterStatus',
      (status: { parameterName: string; parameterValue: string }) => {
        if (status.parameterName === 'in_hot_standby') {
          this.role = status.parameterValue === 'on' ? 'standby' : 'primary'
        } else this.#changes.reported(status.parameterName, status.parameterValue)
      },
    )
  }

  /** The client has connected: from now on trouble is signalled, and its statements are noted. */
  open(): void {
    this.#live = true
    this.#changes.baseline()
    Object.defineProperty(this.#client, 'query', {
      value: (...args: unknown[]) => this.#query(args),
      configurable: true,
      enumerable: false,
      writable: true,
    })
    this.#explainLosses()
    // Before node-postgres parses it.
    this.#internals.connection?.stream.prependListener('data', (chunk: Buffer) => {
      this.#received = chunk
    })
  }

  /**
   * Runs a statement of our own, which does not count as the borrower's.
   *
   * @param decide called when it is about to be sent; what it returns is told instead
   */
  async ask<R extends unknown[]>(
    text: string,
    decide?: () => Error | undefined,
  ): Promise<QueryArrayResult<R>> {
    const idle = this.#idle
    const refusal = idle ? decide?.() : undefined
    if (refusal !== undefined) throw refusal
    const asked = this.#prototype.query.call(this.#client, { text, rowMode: 'array' })
    const waiting = idle ? undefined : this.#internals._queryQueue?.at(-1)
    if (waiting !== undefined && decide !== undefined) whenSent(waiting, decide)
    return (await asked) as QueryArrayResult<R>
  }

  /** Begins a transaction of the engine. @param text of the statement that does it */
  async begin(text: string): Promise<void> {
    this.#begunIn = currentEffects()
    await this.ask(text)
    this.#endedBefore = this.#transactions.ended
  }

  /**
   * Commits the transaction that {@link begin} has begun, and no other.
   *
   * @throws TransactionRolledBackError `CONNMGR_TRANSACTION_ROLLED_BACK` if that was rolled back, or had ended before
   */
  async commit(): Promise<void> {
    await this.finished()
    const { command } = await this.ask('COMMIT', () => this.#refusalOfCommit())
    if (command !== 'COMMIT')
      throw new TransactionRolledBackError(
        `COMMIT was answered ${command}, so nothing was committed`,
      )
  }

  async rollback(): Promise<void> {
    await this.finished()
    await this.ask('ROLLBACK', () => this.#refusal({ text: 'ROLLBACK' }))
  }

  condition(): ConnectionCondition {
    const { connection, readyForQuery, _activeQuery, _queryQueue, _sentQueryQueue, _txStatus } =
      this.#internals
    if (this.#lost || this.#givenUpOn || this.#internals._queryable === false) return 'broken'
    if (this.#internals._ending === true || connection?.stream.destroyed === true) return 'broken'
    if (readyForQuery === false || _activeQuery || _queryQueue?.length || _sentQueryQueue?.length)
      return this.#open.waits(_activeQuery) ? 'stuck' : 'busy'
    return _txStatus === 'T' || _txStatus === 'E' ? 'transaction' : 'clean'
  }

  /** Why the connection is no more, or is about to be. */
  get lossCause(): Error | undefined {
    return this.#lossCause
  }

  /** Resolves when no statement is running any more, or one waits for its client. */
  settled(): Promise<void> {
    if (this.condition() !== 'busy') return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        this.#client.off('drain', done)
        this.#client.off('end', done)
        this.#open.onWaiting = undefined
        resolve()
      }
      this.#client.on('drain', done)
      this.#client.on('end', done)
      this.#open.onWaiting = done
    })
  }

  /** Rejects if what is sent next would wait for ever behind a statement that waits for its client. */
  async finished(): Promise<void> {
    await this.settled()
    if (this.condition() === 'stuck') throw new TransactionRolledBackError(UNFINISHED)
  }

  /** Whether a statement may have changed the session since the baseline. */
  get altered(): boolean {
    return this.#changes.altered
  }

  /** The session is now as all borrowers are to find it. */
  baseline(): void {
    this.#changes.baseline()
  }

  /** Cleans the session, and sets it up again as the pool's own listeners have done. */
  async reset(policy: 'reset-all' | 'discard-all'): Promise<ResetFindings | undefined> {
    const changes = this.#changes
    const advisoryLocks = changes.locks ? await this.#countLocks() : 0
    for (const text of changes.resetBy(policy)) await this.ask(text)
    // The client must not believe in what the server has forgotten.
    if (changes.forgetsPrepared(policy)) this.#prepared?.forgetAll()
    for (const args of changes.setup) await this.#prototype.query.apply(this.#client, args)
    this.baseline()
    return advisoryLocks > 0 ? { advisoryLocks } : undefined
  }

  async end(): Promise<void> {
    this.#closing = true
    await this.#client.end()
  }

  destroy(reason?: Error): void {
    this.#closing = true
    this.#lossCause ??= reason
    const { connection, processID, secretKey } = this.#internals
    const { host, port } = this.#client
    const running = this.#live && !this.#lost && this.#internals.readyForQuery === false
    if (running && processID != null && secretKey != null)
      requestCancel({ host, port, processID, secretKey })
    // Begins as node-postgres would put it, so that whoever goes by its words understands.
    connection?.stream.destroy(
      reason && new Error(`Connection terminated: ${reason.message}`, { cause: reason }),
    )
  }

  async #countLocks(): Promise<number> {
    const { rows } = await this.ask<[number]>(COUNT_ADVISORY_LOCKS)
    return rows[0]?.[0] ?? 0
  }

  #query(args: unknown[]): unknown {
    const [given] = args
    this.activity.queryCount += 1
    this.activity.lastQuery = textOf(given)
    const refusal = this.#refusal(given)
    if (refusal !== undefined) return this.#refuse(args, refusal)
    // What is shared is known to leave the session as it is.
    if (!isShared(given)) {
      if (this.#changes.note(args)) this.#prepared?.follow()
      const { connection } = this.#internals
      if (isSubmittable(given) && connection !== undefined)
        this.#open.follow(given, connection as unknown as StatementConnection)
    }
    const idle = this.#idle
    let endWrite: ((end: WriteEnd) => void) | undefined
    try {
      endWrite = this.#noteWrite(given, idle ? this.#status : undefined)
    } catch (error) {
      return refuse(args, error)
    }
    // Looked up at each call, so that instrumentation that patches the class later is not bypassed.
    const { query } = this.#prototype
    if (endWrite === undefined && !this.#hasTimeout(given)) return query.apply(this.#client, args)
    const statement = new Followed(textOf(given), this.#status, endWrite)
    const explain = (error: unknown): unknown => {
      const told = isQueryTimeout(error) ? this.#giveUpOn(statement, error) : error
      statement.failed(told)
      return told
    }
    const result = followed(args, explain, () => query.apply(this.#client, args))
    const waiting = idle ? undefined : this.#internals._queryQueue?.at(-1)
    if (waiting !== undefined) {
      statement.stage = 'unsent'
      whenSent(waiting, () => {
        statement.sentIn(this.#status)
        return undefined
      })
    } else if (!idle) statement.status = undefined
    return result
  }

  /** For libraries that keep of an error no more than its code. */
  #noteDeliberateEnd(): void {
    this.#effects?.noteDeliberateEnd()
    this.#borrower?.noteDeliberateEnd()
  }

  /** Of the unit of work that has borrowed the connection, if that may be run again. */
  get #borrower(): Effects | undefined {
    return this.activity.effects as Effects | undefined
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

  /** If the caller's work may be run again, notes there what commits. What is shared is noted where it is handed over. */
  #noteWrite(
    query: unknown,
    status: string | null | undefined,
  ): ((end: WriteEnd) => void) | undefined {
    const effects = currentEffects()
    const borrower = this.#borrower
    this.#effects = effects
    if (status === 'I') this.#begunIn = effects ?? borrower?.alive
    if ((effects ?? borrower ?? this.#begunIn) === undefined || isShared(query)) return undefined
    if (!mayWrite({ text: textOf(query), status })) return undefined
    if (status !== 'I') this.#begunIn?.requireCommittable()
    return noteWrite(effects, borrower)
  }

  /** Why a query must not be sent. */
  #refusal(query: unknown): Error | undefined {
    const statement: InFlight = { text: textOf(query), status: undefined, stage: 'unsent' }
    if (this.#givenUpOn !== undefined) {
      const { cause } = this.#givenUpOn
      return new ConnectionLostError(
        `not sent, as an earlier statement on this connection was given up on: ${messageOf(cause)}`,
        cause,
        { sent: false, deliberate: true },
      )
    }
    if (!this.#gone || isShared(query)) return undefined
    const why = this.#lossCause
    // Begins as node-postgres would put it.
    const what =
      this.#internals._ending === true
        ? 'Client was closed and is not queryable'
        : 'Client has encountered a connection error and is not queryable'
    return lossOf(
      statement,
      new Error(why === undefined ? what : `${what}: ${why.message}`, { cause: why }),
    )
  }

  #refuse(args: unknown[], refusal: Error): unknown {
    const text = textOf(args[0])
    const submittable = typeof (args[0] as PendingQuery | undefined)?.submit === 'function'
    if (!this.#givenUpOn?.harmless || submittable || !ROLLBACK.test(text ?? ''))
      return refuse(args, refusal)
    // The session ends, and its transaction with it.
    this.destroy(refusal)
    return answerRollback(args)
  }

  #refusalOfCommit(): Error | undefined {
    const refusal = this.#refusal({ text: 'COMMIT' })
    if (refusal !== undefined) return refusal
    const { _txStatus } = this.#internals
    const same = this.#transactions.ended === this.#endedBefore
    if (same && (_txStatus === 'T' || _txStatus === 'E')) return undefined
    return new TransactionRolledBackError(
      'COMMIT was not sent: the work has ended its transaction itself, and what it did after that is not part of it; ' +
        'leave COMMIT and ROLLBACK to whoever began it',
    )
  }

  /** The server may still be at it: whatever is sent from now on would have its effect beside, or be answered with its answer. */
  #giveUpOn(statement: InFlight, cause: unknown): Error {
    const { text, stage, status } = statement
    const inTransaction = this.#internals._txStatus === 'T' || this.#internals._txStatus === 'E'
    this.#noteDeliberateEnd()
    if (stage === 'unsent' && !inTransaction) return lossOf(statement, cause)
    this.#givenUpOn ??= {
      cause,
      harmless:
        inTransaction &&
        (stage === 'unsent' ||
          ((status === 'T' || status === 'E') && text !== undefined && !mayCommit(text))),
    }
    const { connection, _queryQueue } = this.#internals
    const refusal = this.#refusal(undefined)
    for (const query of _queryQueue?.splice(0) ?? [])
      process.nextTick(() => query.handleError?.(refusal, connection))
    return lossOf(statement, cause)
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

  #facts(query: unknown): Pick<InFlight, 'text' | 'status'> {
    return { text: textOf(query), status: this.#status }
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
      const facts = this.#facts(_activeQuery)
      if (_activeQuery) explainTo(_activeQuery, { ...facts, stage: 'sent' })
      for (const query of _sentQueryQueue)
        explainTo(query, { text: textOf(query), status: undefined, stage: 'sent' })
      for (const query of _queryQueue)
        explainTo(query, { text: textOf(query), status: undefined, stage: 'unsent' })
      tellAll.call(this.#client, error)
    }
  }

  #onErrorMessage(error: Error & ServerMessage): void {
    this.#prepared?.heal(error, this.#internals._activeQuery)
    if (!this.#live) return
    learnSeverity(error, this.#received)
    const query = this.#internals._activeQuery
    if (endsSession(error)) {
      this.#lossCause ??= error
      if (query) explainTo(query, { ...this.#facts(query), stage: stageAtEnd(query, error) })
    } else {
      if (query && isUnresolved(error)) explainTo(query, { ...this.#facts(query), stage: 'sent' })
      if (error.code !== READ_ONLY) return
    }
    this.#onServerMessage(error)
    // Of a server that says so itself the end follows by itself.
    if (error.code === undefined) this.#internals.connection?.stream.destroy(error)
  }

  #onCommandEnded(tag: string): void {
    const query = this.#internals._activeQuery
    const failure = this.#transactions.commandEnded(tag, textOf(query), this.activity.lease)
    if (failure === undefined || !query) return
    query.handleReadyForQuery = (connection) => query.handleError?.(failure, connection)
  }

  #hasTimeout(query: unknown): boolean {
    const own = (query as { query_timeout?: unknown } | null | undefined)?.query_timeout
    return Boolean(own || this.#internals.connectionParameters?.query_timeout)
  }

  #onServerMessage(message: Error & ServerMessage): void {
    if (!this.#live || this.#closing || message.code === undefined) return
    if (SHUTDOWN_CODES.has(message.code)) this.#onSignal({ kind: 'shutdown', error: message })
    else if (message.code === READ_ONLY) this.#onSignal({ kind: 'read-only', error: message })
  }

  #onLost(error: Error): void {
    if (this.#lost) return
    this.#lost = true
    this.#lossCause ??= error
    if (isDeliberate(this.#lossCause)) this.#noteDeliberateEnd()
    if (!this.#live || this.#closing) return
    this.#onSignal({ kind: 'lost', error })
  }
}

/** A statement that a unit of work has to know the end of, or that has a time limit. */
class Followed implements InFlight {
  stage: InFlight['stage'] = 'sent'

  constructor(
    readonly text: string | undefined,
    public status: string | null | undefined,
    readonly endWrite: ((end: WriteEnd) => void) | undefined,
  ) {}

  /** It had to wait, and is sent now. */
  sentIn(status: string | null | undefined): void {
    this.stage = 'sent'
    this.status = status
    // In a transaction it is the COMMIT that counts.
    if (!mayWrite(this)) this.endWrite?.('undone')
  }

  failed(error: unknown): void {
    this.endWrite?.(endOfFailed(this.text, error))
  }
}

/** Runs a query so that an error is explained to whoever waits for it. */
function followed(
  args: unknown[],
  explain: (error: unknown) => unknown,
  run: () => unknown,
): unknown {
  const last = args.length - 1
  const callback = args[last]
  const given = args[0] as PendingQuery | undefined
  if (typeof callback === 'function') {
    args[last] = (error: unknown, ...rest: unknown[]) =>
      callback(error ? explain(error) : error, ...rest)
  } else if (typeof given?.submit === 'function') {
    const { callback: own, handleError } = given
    if (own !== undefined && own !== null) {
      given.callback = (error, ...rest) => own(error ? explain(error) : error, ...rest)
    } else {
      given.handleError = (error, connection) =>
        handleError?.call(given, explain(error), connection)
    }
  }
  const result = run()
  if (!(result instanceof Promise)) return result
  return result.catch((error: unknown) => {
    throw explain(error)
  })
}

/** Has a query told what the next error means for it. Those that are shared see to that themselves. */
function explainTo(query: PendingQuery, facts: InFlight): void {
  if (isShared(query) || query.handleError === undefined) return
  const { handleError } = query
  query.handleError = (error, connection) => {
    query.handleError = handleError
    const told =
      isUnresolved(error as ServerMessage) && !endsSession(error as ServerMessage)
        ? failureOf(facts, error as ServerMessage)
        : lossOf(facts, error)
    handleError.call(query, told, connection)
  }
}

function isShared(query: unknown): boolean {
  return typeof query === 'object' && query !== null && 'lane' in query
}

function activityOf(internals: ClientInternals): ConnectionActivity {
  return {
    queryCount: 0,
    lastQuery: undefined,
    get received() {
      return internals.connection?.stream.bytesRead ?? 0
    },
    get running() {
      return internals._activeQuery ?? internals._sentQueryQueue?.[0] ?? undefined
    },
  }
}
