import {
  type ConnectionActivity,
  type ConnectionCondition,
  type ConnectionSignal,
  type ResetFindings,
  type Role,
  TransactionRolledBackError,
} from '@connmgr/core'
import type { Client, QueryArrayResult } from 'pg'
import { requestCancel } from './cancel.js'
import { type ClientInternals, internalsOf, type ServerMessage } from './client-internals.js'
import { isSubmittable, OpenStatements, type StatementConnection } from './open-statement.js'
import { endsSession } from './outcome/evidence.js'
import { textOf } from './outcome/in-flight.js'
import { learnSeverity } from './outcome/severity.js'
import { StatementTracker } from './outcome/statement-tracker.js'
import { PreparedStatements } from './prepared-statements.js'
import { SessionChanges } from './session-changes.js'

const SHUTDOWN_CODES: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03'])
const READ_ONLY = '25006'
const UNFINISHED =
  'the work has left a cursor, a stream or a COPY open, so its transaction could not be ended and nothing was committed; ' +
  'close it before the work resolves'
const COUNT_ADVISORY_LOCKS =
  "select count(*)::int from pg_catalog.pg_locks where locktype = 'advisory' and pid = pg_catalog.pg_backend_pid()"

/** What we know and note about one client, from before it connects until after it has closed. */
export class Session {
  readonly activity: ConnectionActivity
  /** From the ParameterStatus `in_hot_standby`, which servers send from version 14 on, and from every validation. */
  role: Role = 'unknown'
  readonly #changes: SessionChanges
  readonly #prepared: PreparedStatements | undefined
  readonly #open: OpenStatements
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

  constructor(client: Client, onSignal: (signal: ConnectionSignal) => void) {
    this.#client = client
    this.#internals = internalsOf(client)
    this.#onSignal = onSignal
    this.activity = activityOf(this.#internals)
    this.#statements = new StatementTracker(client, this.activity, (reason) => this.destroy(reason))
    // Stays for the client's whole life: an 'error' nobody listens to would end the process.
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
        } else this.#changes.reported(status.parameterName, status.parameterValue)
      },
    )
  }

  /** The client has connected: from now on trouble is signalled, and its statements are noted. */
  open(): void {
    this.#live = true
    this.#changes.baseline()
    Object.defineProperty(this.#client, 'query', {
      value: (...args: unknown[]) => {
        this.activity.queryCount += 1
        this.activity.lastQuery = textOf(args[0])
        this.#follow(args)
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
    const result = await this.#statements.ask({ text, rowMode: 'array' }, decide)
    return result as QueryArrayResult<R>
  }

  /** Begins a transaction of the engine. @param text of the statement that does it */
  async begin(text: string): Promise<void> {
    await this.ask(text)
    this.#endedBefore = this.#statements.transactionsEnded
  }

  /**
   * Commits the transaction that {@link begin} has begun, and no other.
   *
   * @throws TransactionRolledBackError `CONNMGR_TRANSACTION_ROLLED_BACK` if that was rolled back, or had ended before
   */
  async commit(): Promise<void> {
    await this.#finished()
    const { command } = await this.ask('COMMIT', () =>
      this.#statements.refusalOfCommit(this.#endedBefore),
    )
    if (command !== 'COMMIT')
      throw new TransactionRolledBackError(
        `COMMIT was answered ${command}, so nothing was committed`,
      )
  }

  async rollback(): Promise<void> {
    await this.#finished()
    await this.ask('ROLLBACK', () => this.refusal('ROLLBACK'))
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
    for (const text of changes.resetBy(policy)) await this.ask(text)
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

  /** Rejects if what is sent next would wait for ever behind a statement that waits for its client. */
  async #finished(): Promise<void> {
    await this.settled()
    if (this.condition() === 'stuck') throw new TransactionRolledBackError(UNFINISHED)
  }

  /** A statement of a borrower is about to be sent. */
  #follow(args: unknown[]): void {
    const [query] = args
    // What is shared is known to leave the session as it is.
    if (typeof query === 'object' && query !== null && 'lane' in query) return
    if (this.#changes.note(args)) this.#prepared?.follow()
    const { connection } = this.#internals
    if (isSubmittable(query) && connection !== undefined)
      this.#open.follow(query, connection as unknown as StatementConnection)
  }

  async #countLocks(): Promise<number> {
    const { rows } = await this.ask<[number]>(COUNT_ADVISORY_LOCKS)
    return rows[0]?.[0] ?? 0
  }

  #onErrorMessage(error: Error & ServerMessage): void {
    this.#prepared?.heal(error, this.#internals._activeQuery)
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
