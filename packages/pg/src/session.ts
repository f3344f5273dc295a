import type { Role } from '@connmgr/core'
import type {
  ConnectionActivity,
  ConnectionCondition,
  ConnectionSignal,
  ResetFindings,
  StatementTracer,
} from '@connmgr/core/driver'
import type { Client } from 'pg'
import { runAbortable } from './aborted-query.js'
import type { OpenStream } from './cancel.js'
import type { EndpointCatalog } from './catalog/catalog.js'
import { CatalogChange } from './catalog/catalog-change.js'
import {
  type ClientInternals,
  internalsOf,
  type ServerMessage,
  supplyInternals,
} from './client-internals.js'
import { cutOff } from './cut-off.js'
import { isShared, textOf } from './given-query.js'
import { isSubmittable, OpenStatements, type StatementConnection } from './open-statement.js'
import { endsSession } from './outcome/evidence.js'
import { refuse } from './outcome/refusal.js'
import { learnSeverity } from './outcome/severity.js'
import { StatementTracker } from './outcome/statement-tracker.js'
import { type OwnResult, runOwn, type TextRow } from './own-query.js'
import {
  COUNT_PLANS,
  COUNTS_PLANS_FROM,
  type PlanCounter,
  type PlanCountRow,
} from './prepared/plan-counts.js'
import { isPlanned } from './prepared/planned-query.js'
import type { EndpointPreparing } from './prepared/preparing.js'
import { SessionContext } from './prepared/session-context.js'
import { SessionStatements } from './prepared/session-statements.js'
import { PreparedStatements } from './prepared-statements.js'
import { signalOf } from './query-options.js'
import { createActivity } from './session-activity.js'
import { SessionChanges } from './session-changes.js'
import { resetSession } from './session-reset.js'
import { SessionTransaction } from './session-transaction.js'
import { mayChangeCatalog } from './statement-text.js'
import { placeOf, sendTraced, type TracedSession } from './traced-statement.js'
import { isInstrumented } from './unwrapped.js'

const SHUTDOWN_CODES: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03'])
const READ_ONLY = '25006'

/** What we know and note about one client, from before it connects until after it has closed. */
export class Session {
  readonly client: Client
  readonly activity: ConnectionActivity
  readonly transaction: SessionTransaction
  /** What tracing reads. */
  readonly traced: TracedSession
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
  readonly #internals: ClientInternals
  readonly #onSignal: (signal: ConnectionSignal) => void
  readonly #statements: StatementTracker
  #live = false
  #closing = false
  #lost = false
  /** The server has said that it ends the session. */
  #endedByServer = false
  /** The latest bytes of the server. */
  #received: Buffer = Buffer.alloc(0)
  readonly #catalogChange: CatalogChange
  /** The lease that has begun to listen. */
  #listener: ConnectionActivity['lease']

  constructor(client: Client, onSignal: (signal: ConnectionSignal) => void) {
    supplyInternals(client)
    this.client = client
    this.#internals = internalsOf(client)
    this.#onSignal = onSignal
    this.activity = createActivity(this.#internals, () => this.#listener)
    this.#statements = new StatementTracker(client, this)
    this.transaction = new SessionTransaction(this, this.#statements)
    this.traced = {
      activity: this.activity,
      internals: this.#internals,
      transactions: this.#statements.transactions,
      statements: this.#statements,
      send: (args) => this.#send(args),
    }
    this.#catalogChange = new CatalogChange(client, () => this.condition() === 'clean')
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

  /** The client has connected: from now on trouble is signalled, and its statements are noted. */
  open(): void {
    this.#live = true
    this.#changes.baseline()
    Object.defineProperty(this.client, 'query', {
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
    this.#preparing = SessionStatements.of(this.client, endpoint, this.#context, this.catalog)
    if (this.#prepared !== undefined) this.#prepared.own = this.#preparing
  }

  /** Has the server count how its statements are planned. To be called for an idle connection. */
  async countPlans(counter: PlanCounter): Promise<void> {
    const statements = this.#preparing?.byName
    if (statements === undefined || statements.size === 0) return
    if (this.serverVersion < COUNTS_PLANS_FROM) return
    const { rows } = await this.ask<PlanCountRow>(COUNT_PLANS)
    counter.add(rows, statements)
  }

  /**
   * Runs a statement of our own, which does not count as the borrower's. Its values come as text.
   *
   * @param decide called when it is about to be sent; an error that it returns is thrown instead
   */
  ask<R extends TextRow>(text: string, decide?: () => Error | undefined): Promise<OwnResult<R>> {
    // What begins or ends a transaction belongs to the work of users, and has the limit of their statements.
    const limit = decide === undefined ? 0 : this.#internals.connectionParameters?.query_timeout
    const run = (): Promise<OwnResult<R>> => runOwn<R>(this.client, text, Number(limit || 0))
    return this.#statements.ask(text, run, decide)
  }

  condition(): ConnectionCondition {
    const { connection, readyForQuery, _activeQuery, _queryQueue, _sentQueryQueue, _txStatus } =
      this.#internals
    if (this.#isOver() || this.#statements.poisoned) return 'broken'
    if (this.#internals._queryable === false) return 'broken'
    if (this.#internals._ending === true || connection?.stream.destroyed === true) return 'broken'
    if (readyForQuery === false || _activeQuery || _queryQueue?.length || _sentQueryQueue?.length)
      return this.#open.waits(_activeQuery) ? 'stuck' : 'busy'
    return _txStatus === 'T' || _txStatus === 'E' ? 'transaction' : 'clean'
  }

  /** The error of a statement that would not be sent now. */
  refusal(text: string): Error | undefined {
    return this.#statements.refusal(text)
  }

  /** Resolves when no statement is running any more, or one waits for its client. */
  settled(): Promise<void> {
    if (this.condition() !== 'busy') return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        this.client.off('drain', done)
        this.client.off('end', done)
        this.#open.onWaiting = undefined
        resolve()
      }
      this.client.on('drain', done)
      this.client.on('end', done)
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
  reset(policy: 'reset-all' | 'discard-all'): Promise<ResetFindings | undefined> {
    const parts = {
      changes: this.#changes,
      prepared: this.#prepared,
      preparing: this.#preparing,
      ask: <R extends TextRow>(text: string): Promise<OwnResult<R>> => this.ask<R>(text),
      setUp: (args: unknown[]): unknown => this.#statements.query(args),
    }
    return resetSession(parts, policy)
  }

  async end(): Promise<void> {
    this.#closing = true
    await this.client.end()
  }

  destroy(reason?: Error): void {
    this.#closing = true
    this.#statements.lossCause ??= reason
    const running = this.#live && !this.#isOver() && this.#internals.readyForQuery === false
    cutOff(this.client, reason, running, this.openStream)
  }

  #isOver(): boolean {
    return this.#lost || this.#endedByServer
  }

  /** What `client.query` does. */
  #query(args: unknown[]): unknown {
    const { queries, traced } = this
    if (queries?.active !== true || isShared(args[0])) return this.#send(args)
    const trace = queries.begin(textOf(args[0]))
    trace.on(placeOf(traced, isInstrumented(this.client)))
    return trace.started
      ? sendTraced(trace, traced, args)
      : trace.run(() => sendTraced(trace, traced, args))
  }

  #send(args: unknown[]): unknown {
    this.activity.queryCount += 1
    const text = textOf(args[0])
    if (typeof args[0] === 'string') args[0] = text
    this.activity.lastQuery = text
    const { catalog } = this
    if (catalog !== undefined && (text === undefined || mayChangeCatalog(text)))
      this.#catalogChange.begin(catalog)
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
    return runAbortable(args, signal, this.#internals, {
      send: (followed) => this.#query(followed),
      destroy: (reason) => this.destroy(reason),
    })
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

  #onErrorMessage(error: Error & ServerMessage): void {
    const query = this.#internals._activeQuery
    if (query && isPlanned(query)) this.#preparing?.failed(error, query)
    else {
      this.#preparing?.settingFailed(query)
      this.#prepared?.heal(error, query)
    }
    if (!this.#live) return
    learnSeverity(error, this.#received)
    this.#statements.answeredWith(error)
    // A function of the user may raise an error with any SQLSTATE.
    if (endsSession(error)) {
      // It closes the socket once it has cleaned up, which takes it a while if it ends many sessions.
      this.#endedByServer = true
      this.#onServerMessage(error)
    } else if (error.code === READ_ONLY) this.#onServerMessage(error)
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
    this.#catalogChange.lost()
    if (!this.#live || this.#closing) return
    this.#onSignal({ kind: 'lost', error })
  }
}
