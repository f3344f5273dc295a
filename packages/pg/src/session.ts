import type { ConnectionActivity, ConnectionCondition, ConnectionSignal, Role } from '@connmgr/core'
import { TransactionRolledBackError } from '@connmgr/core'
import type { Client, QueryArrayResult } from 'pg'
import { requestCancel } from './cancel.js'
import type { EndpointCatalog } from './catalog/catalog.js'
import { type ClientInternals, internalsOf, type ServerMessage } from './client-internals.js'
import { endsSession } from './outcome/evidence.js'
import { textOf } from './outcome/in-flight.js'
import { learnSeverity } from './outcome/severity.js'
import { StatementTracker } from './outcome/statement-tracker.js'
import { mayChangeCatalog } from './statement-text.js'

const SHUTDOWN_CODES: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03'])
const READ_ONLY = '25006'

/** What we know and note about one client, from before it connects until after it has closed. */
export class Session {
  readonly activity: ConnectionActivity
  /** From the ParameterStatus `in_hot_standby`, which servers send from version 14 on, and from every validation. */
  role: Role = 'unknown'
  /** Of the database that it leads to; undefined for what is no borrower's. */
  catalog: EndpointCatalog | undefined
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

  constructor(client: Client, onSignal: (signal: ConnectionSignal) => void) {
    this.#client = client
    this.#internals = internalsOf(client)
    this.#onSignal = onSignal
    this.activity = activityOf(this.#internals)
    this.#statements = new StatementTracker(client, this)
    // Stays for the client's whole life: an 'error' nobody listens to would end the process.
    client.on('error', (error: Error) => this.#onLost(error))
    client.on('end', () => this.#onLost(new Error('Connection terminated unexpectedly')))
    client.on('notice', (notice) => this.#onServerMessage(notice as Error & ServerMessage))
    const { connection } = this.#internals
    // Before node-postgres, which listens from `connect` on.
    connection?.on('errorMessage', (error: Error & ServerMessage) => this.#onErrorMessage(error))
    connection?.on(
      'parameterStatus',
      (status: { parameterName: string; parameterValue: string }) => {
        if (status.parameterName === 'in_hot_standby') {
          this.role = status.parameterValue === 'on' ? 'standby' : 'primary'
        }
      },
    )
  }

  /** The client has connected: from now on trouble is signalled, and its statements are noted. */
  open(): void {
    this.#live = true
    Object.defineProperty(this.#client, 'query', {
      value: (...args: unknown[]) => {
        this.activity.queryCount += 1
        this.activity.lastQuery = textOf(args[0])
        this.#noteChangeOfCatalog(this.activity.lastQuery)
        return this.#statements.query(args)
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

  /**
   * Runs a statement of our own, which does not count as the borrower's.
   *
   * @param decide called when it is about to be sent; what it returns is told instead
   */
  async ask<R extends unknown[]>(
    text: string,
    decide?: () => Error | undefined,
  ): Promise<QueryArrayResult<R>> {
    const run = () => this.#run<R>(text, decide === undefined)
    return this.#statements.ask(text, run, decide)
  }

  /** @param unlimited whether limits that are set for the statements of users are none of its business */
  #run<R extends unknown[]>(text: string, unlimited: boolean): Promise<QueryArrayResult<R>> {
    const { query } = Object.getPrototypeOf(this.#client) as { query(config: object): unknown }
    const parameters = this.#internals.connectionParameters as
      | { query_timeout?: unknown }
      | undefined
    const limit = parameters?.query_timeout
    // node-postgres reads it when it is given a query.
    if (unlimited && parameters !== undefined) parameters.query_timeout = false
    try {
      return query.call(this.#client, { text, rowMode: 'array' }) as Promise<QueryArrayResult<R>>
    } finally {
      if (unlimited && parameters !== undefined) parameters.query_timeout = limit
    }
  }

  /** Begins a transaction of the engine. @param text of the statement that does it */
  async begin(text: string): Promise<void> {
    await this.ask(text, () => this.refusal(text))
    this.#endedBefore = this.#statements.transactionsEnded
  }

  /**
   * Commits the transaction that {@link begin} has begun, and no other.
   *
   * @throws TransactionRolledBackError `CONNMGR_TRANSACTION_ROLLED_BACK` if that was rolled back, or had ended before
   */
  async commit(): Promise<void> {
    const { command } = await this.ask('COMMIT', () =>
      this.#statements.refusalOfCommit(this.#endedBefore),
    )
    if (command !== 'COMMIT')
      throw new TransactionRolledBackError(
        `COMMIT was answered ${command}, so nothing was committed`,
      )
  }

  async rollback(): Promise<void> {
    await this.ask('ROLLBACK', () => this.refusal('ROLLBACK'))
  }

  condition(): ConnectionCondition {
    const { connection, readyForQuery, _activeQuery, _queryQueue, _sentQueryQueue, _txStatus } =
      this.#internals
    if (this.#lost || this.#statements.poisoned || this.#internals._queryable === false)
      return 'broken'
    if (this.#internals._ending === true || connection?.stream.destroyed === true) return 'broken'
    if (readyForQuery === false || _activeQuery || _queryQueue?.length || _sentQueryQueue?.length)
      return 'busy'
    return _txStatus === 'T' || _txStatus === 'E' ? 'transaction' : 'clean'
  }

  /** Why a statement would not be sent now, as its caller would be told. */
  refusal(text: string): Error | undefined {
    return this.#statements.refusal(text)
  }

  /** Resolves when no statement is running any more. */
  settled(): Promise<void> {
    if (this.condition() !== 'busy') return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        this.#client.off('drain', done)
        this.#client.off('end', done)
        resolve()
      }
      this.#client.on('drain', done)
      this.#client.on('end', done)
    })
  }

  async end(): Promise<void> {
    this.#closing = true
    await this.#client.end()
  }

  destroy(reason?: Error): void {
    this.#closing = true
    this.#statements.lossCause ??= reason
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

  #onErrorMessage(error: Error & ServerMessage): void {
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
    if (SHUTDOWN_CODES.has(message.code)) this.#onSignal({ kind: 'shutdown', error: message })
    else if (message.code === READ_ONLY) this.#onSignal({ kind: 'read-only', error: message })
  }

  #onLost(error: Error): void {
    if (this.#lost) return
    this.#lost = true
    this.#statements.lost(error)
    if (this.#changesCatalog) this.catalog?.invalidate()
    if (!this.#live || this.#closing) return
    this.#onSignal({ kind: 'lost', error })
  }
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
