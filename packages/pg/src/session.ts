import type { Role } from '@connmgr/core'
import { TransactionRolledBackError } from '@connmgr/core'
import type {
  ConnectionActivity,
  ConnectionCondition,
  ConnectionSignal,
  ResetFindings,
  StatementTracer,
  TracedConnection,
} from '@connmgr/core/driver'
import type { Client } from 'pg'
import { notSent, runAbortable, signalOf } from './aborted-query.js'
import { cancelRunning, cancelTargetOf, type OpenStream } from './cancel.js'
import type { EndpointCatalog } from './catalog/catalog.js'
import {
  type ClientInternals,
  internalsOf,
  markDead,
  type PendingQuery,
  type ServerMessage,
  supplyInternals,
} from './client-internals.js'
import { isSubmittable, OpenStatements, type StatementConnection } from './open-statement.js'
import { endsSession } from './outcome/evidence.js'
import { textOf } from './outcome/in-flight.js'
import { refuse } from './outcome/refusal.js'
import { learnSeverity } from './outcome/severity.js'
import { isShared, StatementTracker } from './outcome/statement-tracker.js'
import { type OwnResult, runOwn, type TextRow } from './own-query.js'
import { isPlanned } from './prepared/planned-query.js'
import type { EndpointPreparing } from './prepared/preparing.js'
import { SessionContext } from './prepared/session-context.js'
import { SessionStatements } from './prepared/session-statements.js'
import { PreparedStatements } from './prepared-statements.js'
import { SessionChanges } from './session-changes.js'
import { mayChangeCatalog } from './statement-text.js'
import { askTraced, sendTraced, type TracedSession } from './traced-statement.js'
import { isInstrumented } from './unwrapped.js'

const SHUTDOWN_CODES: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03'])
const READ_ONLY = '25006'
const UNFINISHED =
  'the work has left a cursor, a stream or a COPY open, so its transaction could not be ended and nothing was committed; ' +
  'close it before the work resolves'
/** Finds itself among what the server has prepared, by a part of its text. */
const FIND_POOLER =
  "select pg_catalog.pg_backend_pid(), (select name from pg_catalog.pg_prepared_statements where statement like '%connmgr looks for a pooler%' limit 1)"
const COUNT_ADVISORY_LOCKS =
  "select pg_catalog.count(*) from pg_catalog.pg_locks where locktype = 'advisory' and pid = pg_catalog.pg_backend_pid()"

/** What we know and note about one client, from before it connects until after it has closed. */
export class Session {
  readonly activity: ConnectionActivity
  /** From the ParameterStatus `in_hot_standby`, which servers send from version 14 on, and from every validation. */
  role: Role = 'unknown'
  readonly #changes: SessionChanges
  readonly #prepared: PreparedStatements | undefined
  readonly #context = new SessionContext()
  /** Prepares what recurs; undefined if nothing is prepared by itself. */
  #preparing: SessionStatements | undefined
  readonly #open: OpenStatements
  /** Of the database that it leads to; undefined for what is no borrower's. */
  catalog: EndpointCatalog | undefined
  /** Publishes the statements of borrowers; undefined for what is no borrower's. */
  queries: StatementTracer | undefined
  /** How its socket was made, if by a function of the user's. */
  openStream: OpenStream | undefined
  /** What the server, or the client, has said about the end of the connection; the first of it is the reason. */
  trouble: Error | undefined
  /** The first number of the version that the server says it has; 0 if it does not say. */
  serverVersion = 0
  readonly #client: Client
  readonly #internals: ClientInternals
  readonly #onSignal: (signal: ConnectionSignal) => void
  readonly #statements: StatementTracker
  #live = false
  #closing = false
  #lost = false
  /** Transactions that had ended when the engine began its own. */
  #endedBefore: number | undefined
  /** The latest bytes of the server. */
  #received: Buffer = Buffer.alloc(0)
  /** A statement that may change the catalog has been sent, and may not have been committed yet. */
  #changesCatalog = false
  /** The lease that has begun to listen: it is for notifications, which take a connection for as long as they are wanted. */
  #listener: ConnectionActivity['lease']

  constructor(client: Client, onSignal: (signal: ConnectionSignal) => void) {
    supplyInternals(client)
    this.#client = client
    this.#internals = internalsOf(client)
    this.#onSignal = onSignal
    this.activity = this.#createActivity()
    this.#statements = new StatementTracker(client, this)
    // Stays for the client's whole life: an 'error' without a listener would end the process.
    client.on('error', (error: Error) => this.#onLost(error))
    client.on('end', () => this.#onLost(new Error('Connection terminated unexpectedly')))
    client.on('notice', (notice) => this.#onServerMessage(notice as Error & ServerMessage))
    const { connection } = this.#internals
    this.#changes = new SessionChanges(client)
    this.#prepared = connection && new PreparedStatements(connection)
    this.#open = new OpenStatements(this.#internals)
    // Before node-postgres, which listens from `connect` on.
    connection?.on('errorMessage', (error: Error & ServerMessage) => this.#onErrorMessage(error))
    connection?.on(
      'parameterStatus',
      (status: { parameterName: string; parameterValue: string }) => {
        if (status.parameterName === 'in_hot_standby') {
          this.role = status.parameterValue === 'on' ? 'standby' : 'primary'
        } else {
          if (status.parameterName === 'server_version')
            this.serverVersion = Number.parseInt(status.parameterValue, 10) || 0
          this.#changes.reported(status.parameterName, status.parameterValue)
          this.#context.reported(status.parameterName, status.parameterValue)
        }
      },
    )
  }

  /** What tells how many bytes have come so far, those of the TLS handshake too. To be asked for before the client connects. */
  receivedAtLogin(): () => number {
    const { connection } = this.#internals
    const socket = connection?.stream
    // TLS runs over the first socket by another.
    return () => {
      const stream = connection?.stream
      return (socket?.bytesRead ?? 0) + (stream === socket ? 0 : (stream?.bytesRead ?? 0))
    }
  }

  /** The client has connected: from now on trouble is signalled, and its statements are noted. */
  open(): void {
    this.#live = true
    this.#changes.baseline()
    Object.defineProperty(this.#client, 'query', {
      value: (...args: unknown[]) => {
        let signal: AbortSignal | undefined
        try {
          signal = signalOf(args[0])
        } catch (error) {
          return refuse(args, error)
        }
        return signal === undefined ? this.#query(args) : this.#queryUntil(signal, args)
      },
      configurable: true,
      enumerable: false,
      writable: true,
    })
    // Before node-postgres parses it.
    this.#internals.connection?.stream.prependListener('data', (chunk: Buffer) => {
      this.#received = chunk
    })
  }

  /** From now on texts that recur are prepared. */
  prepareFor(endpoint: EndpointPreparing): void {
    this.#preparing = SessionStatements.of(this.#client, endpoint, this.#context)
    if (this.#prepared !== undefined) this.#prepared.own = this.#preparing
  }

  /** Finds out whether a pooler stands before the server, and what it makes of a named statement. */
  async findPooler(endpoint: EndpointPreparing): Promise<void> {
    const name = endpoint.shared.nextName()
    const { rows } = await runOwn<[string, string | null]>(this.#client, FIND_POOLER, 0, name)
    const [process, known] = rows[0] ?? []
    endpoint.found({
      direct: process !== undefined && Number(process) === this.#internals.processID,
      name: known ?? undefined,
      sentAs: name,
    })
  }

  /**
   * Runs a statement of our own, which does not count as the borrower's. Its values come as text.
   *
   * @param decide called when it is about to be sent; an error that it returns is thrown instead
   */
  ask<R extends TextRow>(text: string, decide?: () => Error | undefined): Promise<OwnResult<R>> {
    // What begins or ends a transaction belongs to the work of users, and has the limit of their statements.
    const limit = decide === undefined ? 0 : this.#internals.connectionParameters?.query_timeout
    const run = (): Promise<OwnResult<R>> => runOwn<R>(this.#client, text, Number(limit || 0))
    return this.#statements.ask(text, run, decide)
  }

  /** The same for a statement that is part of a borrower's work. */
  #askForBorrower<R extends TextRow>(
    text: string,
    decide: () => Error | undefined,
  ): Promise<OwnResult<R>> {
    const ask = (): Promise<OwnResult<R>> => this.ask<R>(text, decide)
    // What ends a transaction that its borrower has left open is the pool's.
    if (this.queries?.active !== true || this.activity.lease?.active === false) return ask()
    const trace = this.queries.begin(text)
    trace.on(this.#place)
    return trace.run(() => askTraced(trace, this.#traced, text, ask))
  }

  /** Begins a transaction of the engine. @param text of the statement that does it */
  async begin(text: string): Promise<void> {
    await this.#askForBorrower(text, () => this.refusal(text))
    this.#endedBefore = this.#statements.transactionsEnded
  }

  /**
   * Commits the transaction that {@link begin} has begun, and no other.
   *
   * @throws TransactionRolledBackError `CONNMGR_TRANSACTION_ROLLED_BACK` if that was rolled back, or had ended before
   */
  async commit(): Promise<void> {
    await this.#finished()
    const { command } = await this.#askForBorrower('COMMIT', () =>
      this.#statements.refusalOfCommit(this.#endedBefore),
    )
    if (command !== 'COMMIT')
      throw new TransactionRolledBackError(
        `COMMIT was answered ${command}, so nothing was committed`,
      )
  }

  async rollback(): Promise<void> {
    await this.#finished()
    await this.#askForBorrower('ROLLBACK', () => this.refusal('ROLLBACK'))
  }

  condition(): ConnectionCondition {
    const { connection, readyForQuery, _activeQuery, _queryQueue, _sentQueryQueue, _txStatus } =
      this.#internals
    if (this.#lost || this.#statements.poisoned || this.#internals._queryable === false)
      return 'broken'
    if (this.#internals._ending === true || connection?.stream.destroyed === true) return 'broken'
    if (readyForQuery === false || _activeQuery || _queryQueue?.length || _sentQueryQueue?.length)
      return this.#open.waits(_activeQuery) ? 'stuck' : 'busy'
    return _txStatus === 'T' || _txStatus === 'E' ? 'transaction' : 'clean'
  }

  /** Why a statement would not be sent now, as its caller would be told. */
  refusal(text: string): Error | undefined {
    return this.#statements.refusal(text)
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
    this.#preparing?.beginReset()
    for (const text of changes.resetBy(policy)) await this.ask(text)
    this.#preparing?.reset()
    // The client must not believe in what the server has forgotten.
    if (changes.forgetsPrepared(policy)) this.#prepared?.forgetAll()
    for (const args of changes.setup) await this.#statements.query(args)
    this.baseline()
    return advisoryLocks > 0 ? { advisoryLocks } : undefined
  }

  async end(): Promise<void> {
    this.#closing = true
    await this.#client.end()
  }

  destroy(reason?: Error): void {
    this.#closing = true
    this.#statements.lossCause ??= reason
    const { connection } = this.#internals
    if (connection === undefined || connection.stream.destroyed) return
    // Begins as node-postgres would put it, so that code that goes by its words understands.
    const error = reason && new Error(`Connection terminated: ${reason.message}`, { cause: reason })
    const running = this.#live && !this.#lost && this.#internals.readyForQuery === false
    const target = running ? cancelTargetOf(this.#client, this.openStream) : undefined
    if (target === undefined) {
      connection.stream.destroy(error)
      return
    }
    const { stream } = connection
    this.#abandon(connection, error)
    void cancelRunning(target, stream).then(() => stream.destroy())
  }

  /** For its users the client is dead from now on, while its socket stays until its statement has been cancelled. */
  #abandon(connection: NonNullable<ClientInternals['connection']>, error: Error | undefined): void {
    const { stream } = connection
    stream.removeAllListeners('data')
    stream.resume()
    stream.unref()
    markDead(this.#client)
    // As when a socket is destroyed, users hear of it once this has returned.
    process.nextTick(() => {
      if (error !== undefined) connection.emit('error', error)
      connection.emit('end')
    })
  }

  /** What `client.query` does. */
  #query(args: unknown[]): unknown {
    const { queries } = this
    if (queries?.active !== true || isShared(args[0])) return this.#send(args)
    const trace = queries.begin(textOf(args[0]))
    trace.on({ ...this.#place, instrumented: isInstrumented(this.#client) })
    return trace.run(() => sendTraced(trace, this.#traced, args, (given) => this.#send(given)))
  }

  /** Where what is sent now runs. */
  get #place(): TracedConnection {
    const { lease } = this.activity
    return {
      connectionId: lease?.connectionId,
      lease: lease?.active === true ? lease.id : undefined,
      processId: this.#internals.processID ?? undefined,
    }
  }

  get #traced(): TracedSession {
    return { internals: this.#internals, transactions: this.#statements.transactions }
  }

  #send(args: unknown[]): unknown {
    this.activity.queryCount += 1
    const text = textOf(args[0])
    this.activity.lastQuery = text
    this.#noteChangeOfCatalog(text)
    this.#follow(text, args)
    const preparing = this.#preparing
    if (preparing === undefined) return this.#statements.query(args)
    preparing.given(args[0])
    try {
      return this.#statements.query(args)
    } finally {
      preparing.taken()
    }
  }

  #queryUntil(signal: AbortSignal, args: unknown[]): unknown {
    if (signal.aborted) return refuse(args, notSent(signal))
    const queue = (): PendingQuery[] => this.#internals._queryQueue ?? []
    return runAbortable(args, signal, {
      send: (followed) => {
        const before = queue().length
        const result = this.#query(followed)
        return { result, waiting: queue().length > before ? queue().at(-1) : undefined }
      },
      withdraw: (waiting) => {
        const at = queue().indexOf(waiting)
        const { _txStatus } = this.#internals
        // A transaction that goes on without one of its statements is not what its caller meant.
        if (at === -1 || _txStatus === 'T' || _txStatus === 'E') return false
        queue().splice(at, 1)
        return true
      },
      destroy: (reason) => this.destroy(reason),
    })
  }

  /** Rejects if what is sent next would wait for ever behind a statement that waits for its client. */
  async #finished(): Promise<void> {
    await this.settled()
    if (this.condition() === 'stuck') throw new TransactionRolledBackError(UNFINISHED)
  }

  async #countLocks(): Promise<number> {
    const { rows } = await this.ask<[string]>(COUNT_ADVISORY_LOCKS)
    return Number(rows[0]?.[0] ?? 0)
  }

  /** Follows what a statement of a borrower leaves in the session. What is shared is known to leave it as it is. */
  #follow(text: string | undefined, args: unknown[]): void {
    const [given] = args
    if (isShared(given)) return
    const { listens, prepares } = this.#changes.note(text, args)
    if (prepares) this.#prepared?.follow()
    if (listens !== undefined) this.#listener = listens ? this.activity.lease : undefined
    const { connection } = this.#internals
    if (isSubmittable(given) && connection !== undefined)
      this.#open.follow(given, connection as unknown as StatementConnection)
  }

  /** What was read of the catalog counts no more from now on, and neither does what is read until this has ended. */
  #noteChangeOfCatalog(text: string | undefined): void {
    const { catalog } = this
    if (catalog === undefined || (text !== undefined && !mayChangeCatalog(text))) return
    catalog.invalidate()
    if (this.#changesCatalog) return
    this.#changesCatalog = true
    const onDrain = (): void => {
      if (this.condition() !== 'clean') return
      this.#client.off('drain', onDrain)
      this.#changesCatalog = false
      catalog.invalidate()
    }
    this.#client.on('drain', onDrain)
  }

  #createActivity(): ConnectionActivity {
    const internals = this.#internals
    const listens = (): boolean =>
      this.#listener !== undefined && this.#listener === this.activity.lease
    return {
      queryCount: 0,
      lastQuery: undefined,
      get received() {
        return internals.connection?.stream.bytesRead ?? 0
      },
      get running() {
        return internals._activeQuery ?? internals._sentQueryQueue?.[0] ?? undefined
      },
      get longLived() {
        return listens()
      },
    }
  }

  #onErrorMessage(error: Error & ServerMessage): void {
    const query = this.#internals._activeQuery
    if (query && isPlanned(query)) this.#preparing?.failed(error, query)
    else {
      this.#preparing?.settingFailed(query)
      this.#prepared?.heal(error, query)
    }
    if (!this.#live) return
    learnSeverity(error, this.#received)
    this.#statements.heard(error)
    // A function of the user may raise an error with any SQLSTATE.
    if (endsSession(error) || error.code === READ_ONLY) this.#onServerMessage(error)
    // Not understood, and neither will be what comes after it.
    if (error.code === undefined) this.#internals.connection?.stream.destroy(error)
  }

  #onServerMessage(message: Error & ServerMessage): void {
    if (!this.#live || this.#closing || message.code === undefined) return
    if (SHUTDOWN_CODES.has(message.code)) {
      this.trouble ??= message
      this.#onSignal({ kind: 'shutdown', error: message })
    } else if (message.code === READ_ONLY) this.#onSignal({ kind: 'read-only', error: message })
  }

  #onLost(error: Error): void {
    if (this.#lost) return
    this.#lost = true
    this.trouble ??= error
    this.#statements.lost(error)
    this.#preparing?.end()
    if (this.#changesCatalog) this.catalog?.invalidate()
    if (!this.#live || this.#closing) return
    this.#onSignal({ kind: 'lost', error })
  }
}
