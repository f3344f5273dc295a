import type { Role } from '@connmgr/core'
import { CommitOutcomeUnknownError, TransactionRolledBackError } from '@connmgr/core'
import type {
  ConnectionActivity,
  ConnectionCondition,
  ConnectionSignal,
  ResetFindings,
  StatementTracer,
} from '@connmgr/core/driver'
import type { Connection } from 'mysql2'
import { CommandQueue } from './command-queue.js'
import type { Tables } from './engines.js'
import { classify, type DriverError, errnoOf } from './errors/classify.js'
import { type Internals, internalsOf } from './internals.js'
import { StatementFollower } from './outcome/statement-follower.js'
import { UNKNOWN_OUTCOME } from './outcome/unknown-outcome.js'
import { askOn, type OwnResult } from './own-query.js'
import type { Flavour } from './replication/history.js'
import { SessionChanges } from './session-changes.js'

/** What a session is before borrowers change it. */
export interface SessionBaseline {
  readonly characterSet: string
  readonly collation: string
  readonly database: string | null
  /** That of the server, and what mysql2 adds to it by a flag of the login. Undefined if the server does not tell. */
  readonly sqlMode: string | undefined
  /** The server has statements of its own run in sessions that begin, by its variable `init_connect`. */
  readonly serverSetsUp: boolean
}

const LEVELS_OF_TROUBLE: ReadonlySet<string> = new Set(['shutdown', 'lost', 'read-only'])

/** What we know and note about one connection, from before it connects until after it has closed. */
export class Session {
  readonly activity: ConnectionActivity
  role: Role = 'unknown'
  /** Names the server, as it does itself; undefined if it does not. */
  server: string | undefined
  initial: SessionBaseline | undefined
  /** Called when a statement is sent that may make a table which takes no part in transactions. */
  onNewEngine: (() => void) | undefined
  /** What the server, or the client, has said about the end of the connection; the first of it is the reason. */
  trouble: Error | undefined
  readonly #connection: Connection
  readonly #internals: Internals
  readonly #onSignal: (signal: ConnectionSignal) => void
  readonly #changes: SessionChanges
  readonly #queue: CommandQueue
  readonly #follower: StatementFollower
  #live = false
  #closing = false
  #lost = false
  #autocommit = true
  #rollbacksBefore = 0
  #hiddenEndsBefore = 0

  constructor(connection: Connection, onSignal: (signal: ConnectionSignal) => void) {
    this.#connection = connection
    this.#internals = internalsOf(connection)
    this.#onSignal = onSignal
    this.#changes = new SessionChanges(connection)
    this.#queue = new CommandQueue(this.#internals)
    this.activity = this.#createActivity()
    this.#follower = new StatementFollower(this.#internals, this.#queue, {
      activity: this.activity,
      changes: this.#changes,
      refused: (error) => this.#onRefusal(error),
      namesEngine: () => this.onNewEngine?.(),
    })
    // Stays for the connection's whole life: an 'error' without a listener would end the process.
    connection.on('error', (error: Error) => this.#onError(error))
  }

  /** Publishes the statements of borrowers; not to be set for what is no borrower's. */
  set queries(queries: StatementTracer | undefined) {
    this.#follower.queries = queries
  }

  /** Those of the server. Until it is set they may be of any kind. */
  set tables(tables: Tables) {
    this.#follower.tables = tables
  }

  get serverVersion(): string {
    return this.#internals._handshakePacket?.serverVersion ?? ''
  }

  get flavour(): Flavour {
    return this.#internals._isMariaDB === true || /mariadb/i.test(this.serverVersion)
      ? 'mariadb'
      : 'mysql'
  }

  /** The connection is logged in: from now on trouble is signalled, and its statements are noted. */
  open(): void {
    this.#live = true
    const { stream } = this.#internals
    stream.on('error', (error: Error) => this.#onLost(error))
    stream.on('close', () => this.#onLost(connectionLost()))
    if (stream.destroyed) this.#onLost(connectionLost())
  }

  /** Runs a statement of the engine's, which does not count as the borrower's. Its values come as text. */
  async ask(text: string): Promise<OwnResult['rows']> {
    const { rows } = await this.askNamed(text)
    return rows
  }

  /** As `ask`, with the names of the columns. */
  askNamed(text: string): Promise<OwnResult> {
    return askOn(this.#internals, text, (send) => this.#follower.asOwn(send))
  }

  /** The same for a statement that is part of a borrower's work. */
  async #askForBorrower(text: string): Promise<void> {
    // What ends a transaction that its borrower has left open is the pool's.
    const ended = this.activity.lease?.active === false
    const trace = ended ? undefined : this.#follower.trace(text, true)
    if (trace === undefined) await this.ask(text)
    else await askOn(this.#internals, text, (send) => this.#follower.asBorrowers(trace, send))
  }

  /** Begins a transaction of the engine. @param texts of the statements that do it */
  async begin(texts: readonly string[], readOnly: boolean): Promise<void> {
    if (readOnly) this.#changes.noteReadOnly()
    for (const text of texts) await this.#askForBorrower(text)
    const { hiddenEnds, implicitCommits, rollbacks } = this.#follower.transactions
    this.#rollbacksBefore = rollbacks
    this.#hiddenEndsBefore = hiddenEnds
    this.#follower.end.commitsBefore = implicitCommits
  }

  /**
   * Commits what has been done since {@link begin}. What the work has had committed before, as DDL does it, is committed.
   *
   * @throws TransactionRolledBackError `CONNMGR_TRANSACTION_ROLLED_BACK` if any of it was rolled back
   * @throws CommitOutcomeUnknownError `CONNMGR_COMMIT_OUTCOME_UNKNOWN` if a procedure has ended the transaction
   */
  async commit(): Promise<void> {
    await this.settled()
    if (this.condition() === 'stuck') throw new TransactionRolledBackError(UNFINISHED)
    if (this.#follower.transactions.rollbacks !== this.#rollbacksBefore)
      throw new TransactionRolledBackError(
        'COMMIT was not sent, as the transaction was rolled back before, by the server or by the work itself; ' +
          'leave COMMIT and ROLLBACK to the call that began it',
      )
    await this.#askForBorrower('COMMIT')
    this.#follower.end.commitsBefore = undefined
    if (this.#follower.transactions.hiddenEnds !== this.#hiddenEndsBefore)
      throw new CommitOutcomeUnknownError(undefined, ENDED_BY_PROCEDURE, UNKNOWN_OUTCOME)
  }

  /** Ends what is open, and gives back what was done to `autocommit`. */
  async rollback(): Promise<void> {
    await this.settled()
    await this.#askForBorrower('ROLLBACK')
    this.#follower.end.commitsBefore = undefined
    const { status } = this.#follower.transactions
    if (status !== undefined && status.autocommit !== this.#autocommit)
      await this.ask(`SET autocommit = ${this.#autocommit ? 1 : 0}`)
  }

  condition(): ConnectionCondition {
    if (this.#lost || this.#follower.end.poisoned || this.#queue.closed) return 'broken'
    if (this.#internals.stream.destroyed) return 'broken'
    if (this.#queue.busy) return this.#internals._paused === true ? 'stuck' : 'busy'
    const { doubtful, status } = this.#follower.transactions
    // Where a server, or another version of mysql2, does not tell, a ROLLBACK that may be superfluous is what is safe.
    if (status === undefined || doubtful || status.inTransaction) return 'transaction'
    return status.autocommit === this.#autocommit ? 'clean' : 'transaction'
  }

  /** Why a statement would not be sent now, as its caller would get it. */
  refusal(): Error | undefined {
    return this.#follower.end.refusal()
  }

  /** Resolves when no statement is running any more, or one waits for its client. */
  settled(): Promise<void> {
    if (this.condition() !== 'busy') return Promise.resolve()
    return this.#queue.idle()
  }

  /** Whether a statement may have changed the session since the baseline. */
  get altered(): boolean {
    return this.#changes.altered
  }

  /** The session is now as all borrowers are to find it. */
  baseline(): void {
    this.#changes.baseline()
    this.#autocommit = this.#follower.transactions.status?.autocommit ?? true
  }

  /**
   * Cleans the session by COM_RESET_CONNECTION, which leaves the database as it is, and takes the character set and the
   * SQL mode of the server for those of the login; then sets it up again as the pool's own listeners have done.
   */
  async reset(): Promise<ResetFindings | undefined> {
    if (this.#follower.userChanged)
      throw new Error(
        'another user has logged in on the connection, by changeUser, which a reset does not undo',
      )
    if (this.initial?.serverSetsUp === true)
      throw new Error(
        'the server sets sessions up at their login, by init_connect, which a reset undoes and does not repeat',
      )
    const advisoryLocks = this.#changes.locks ? await this.#releaseLocks() : 0
    await this.#resetConnection()
    if (this.initial !== undefined) {
      const { characterSet, collation, database, sqlMode } = this.initial
      if (this.#changes.database) {
        if (database === null)
          throw new Error(
            'a database was chosen on a connection that has none, which a reset does not undo',
          )
        await this.ask(`USE ${quoted(database)}`)
      }
      const mode = sqlMode === undefined ? '' : `, sql_mode = '${sqlMode}'`
      await this.ask(`SET NAMES ${characterSet} COLLATE ${collation}${mode}`)
    }
    for (const text of this.#changes.setup) await this.ask(text)
    this.baseline()
    return advisoryLocks > 0 ? { advisoryLocks } : undefined
  }

  async end(): Promise<void> {
    this.#closing = true
    const { stream } = this.#internals
    if (stream.destroyed) return
    await new Promise<void>((resolve) => {
      stream.once('close', () => resolve())
      if (!this.#queue.closed) this.#connection.end()
    })
  }

  /** Whether the server still runs something for the session. */
  get running(): boolean {
    return this.#live && !this.#lost && this.#queue.sent
  }

  destroy(reason?: Error): void {
    this.#closing = true
    if (reason !== undefined) this.#follower.end.cause ??= reason
    const { stream } = this.#internals
    if (stream.destroyed) return
    // mysql2 passes over the commands of a connection that it is closing itself.
    this.#internals._closing = false
    stream.destroy()
  }

  async #resetConnection(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#follower.asOwn(() =>
        this.#connection.reset((error: Error | null) => (error ? reject(error) : resolve())),
      )
    })
  }

  async #releaseLocks(): Promise<number> {
    try {
      const [row] = await this.ask('SELECT RELEASE_ALL_LOCKS()')
      return Number(row?.[0] ?? 0)
    } catch (error) {
      // MariaDB before 10.5 does not have it; the reset releases them uncounted.
      if (errnoOf(error as DriverError) === UNKNOWN_FUNCTION) return 0
      throw error
    }
  }

  #createActivity(): ConnectionActivity {
    const internals = this.#internals
    return {
      queryCount: 0,
      lastQuery: undefined,
      get received() {
        return internals.stream.bytesRead
      },
      get running() {
        return internals._command ?? undefined
      },
    }
  }

  /** The server has refused a statement, or has ended the session with it. */
  #onRefusal(error: Error): void {
    const kind = classify(error)
    if (!LEVELS_OF_TROUBLE.has(kind)) return
    // Refused, because that was asked for.
    if (
      kind === 'read-only' &&
      this.#changes.asksForReadOnly &&
      errnoOf(error) === READ_ONLY_TRANSACTION
    )
      return
    this.#signal(kind === 'lost' ? 'lost' : kind, error)
  }

  /** mysql2 tells of what no command has asked for. */
  #onError(error: Error): void {
    if (!this.#live) return
    const kind = classify(error)
    if (kind === 'shutdown') this.#signal('shutdown', error)
    this.trouble ??= error
    this.#follower.end.cause ??= error
  }

  #signal(kind: ConnectionSignal['kind'], error: Error): void {
    if (!this.#live || this.#closing) return
    if (kind !== 'read-only') {
      this.trouble ??= error
      this.#follower.end.cause ??= error
    }
    this.#onSignal({ kind, error })
  }

  #onLost(error: Error): void {
    if (this.#lost) return
    this.#lost = true
    this.trouble ??= error
    this.#follower.lost(this.trouble)
    if (!this.#live || this.#closing) return
    this.#onSignal({ kind: 'lost', error: this.trouble })
  }
}

const UNKNOWN_FUNCTION = 1305
const READ_ONLY_TRANSACTION = 1792
const ENDED_BY_PROCEDURE =
  'a procedure that the work called has ended the transaction, by COMMIT or by ROLLBACK, which the server does not tell; ' +
  'what came after that is committed; look for the effect of the rest before repeating it'
const UNFINISHED =
  'the work has left a stream open, so its transaction could not be ended and nothing was committed; ' +
  'read or destroy it before the work resolves'

function connectionLost(): Error {
  return Object.assign(new Error('Connection lost: The server closed the connection.'), {
    code: 'PROTOCOL_CONNECTION_LOST',
    fatal: true,
  })
}

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}
