import { ConnectionLostError } from '@connmgr/core'
import {
  type ConnectionActivity,
  currentEffects,
  type StatementTrace,
  type StatementTracer,
  tracedConnection,
} from '@connmgr/core/driver'
import type { CommandQueue, CommandWatch } from '../command-queue.js'
import type { Tables } from '../engines.js'
import { isClientTimeout, isDeliberate } from '../errors/classify.js'
import {
  type Command,
  type Internals,
  isInstrumented,
  kindOf,
  type Packet,
  repeatableTextOf,
  textOf,
} from '../internals.js'
import { okFlags, statusFlagsOf, statusOf } from '../server-status.js'
import type { SessionChanges } from '../session-changes.js'
import { factsOf, UNCLEAR } from '../text/facts.js'
import { mayBegin } from '../text/statement-text.js'
import { ConnectionEnd } from './connection-end.js'
import { errorIn } from './error-packet.js'
import { Followed } from './followed.js'
import { type CommandFollower, follow, followPrepare, type Start } from './followed-command.js'
import { endOfFailed, type InFlight, UNSENT } from './in-flight.js'
import { pingOf } from './ping.js'
import { refuse, refuseWaiting } from './refused-command.js'
import { explainEvents, type SilentCommand } from './silent-command.js'
import { TracedStatement } from './statement-trace.js'
import { TransactionWatch } from './transaction-watch.js'
import { WorkNotes } from './work-notes.js'

/** What a session is known to be, beyond what mysql2 keeps. */
interface Known {
  readonly activity: ConnectionActivity
  readonly changes: SessionChanges
  /** The server has refused a statement, or ended the session with it. */
  refused(error: Error): void
  /** A borrower sends what may make a table that takes no part in transactions, or that has ended. */
  namesEngine(): void
}

const ERROR = 0xff

/**
 * Follows the statements of one connection, and gives each that fails an error that says what is known of its outcome: after
 * a lost connection, an end of the session by the server, a time limit, or a COMMIT of what was rolled back. Refuses what
 * must not be sent.
 */
export class StatementFollower implements CommandFollower, CommandWatch {
  readonly transactions = new TransactionWatch()
  /** Those of the server. In doubt they take no part in transactions. */
  tables: Tables = { transactional: false }
  /** Publishes the statements of borrowers; undefined for what is no borrower's. */
  queries: StatementTracer | undefined
  /** What is known of the connection's end. */
  readonly end: ConnectionEnd
  /** Another user has logged in on the connection. */
  userChanged = false
  readonly #internals: Internals
  readonly #queue: CommandQueue
  readonly #known: Known
  /** The command that packets are for, and its statement. */
  #running: Command | undefined
  #statement: Followed | undefined
  /** Statements that answer by events, which mysql2 forgets when a connection is lost. */
  readonly #silent = new Set<SilentCommand>()
  #own = false
  /** Of the statement of the engine's that is handed over now, if it belongs to a borrower's work. */
  #ownTrace: StatementTrace | undefined
  /** Why the latest statement that was to be prepared could not be. */
  #prepareError: unknown
  readonly #notes: WorkNotes

  constructor(internals: Internals, queue: CommandQueue, known: Known) {
    this.#internals = internals
    this.#queue = queue
    this.#known = known
    this.#notes = new WorkNotes(known.activity)
    this.end = new ConnectionEnd(internals, queue, this.transactions)
    queue.intercept(this)
  }

  /** Runs what hands a command of the engine's to the connection. */
  asOwn(send: () => void): void {
    this.#own = true
    try {
      send()
    } finally {
      this.#own = false
    }
  }

  /** The same for a statement that is part of a borrower's work, such as the BEGIN of its transaction. */
  asBorrowers(trace: StatementTrace, send: () => void): void {
    this.#ownTrace = trace
    try {
      this.asOwn(send)
    } finally {
      this.#ownTrace = undefined
    }
  }

  /**
   * Begins to publish a statement, if there is a subscriber.
   *
   * @param own whether the engine sends it, past what others have wrapped around the connection's methods
   */
  trace(text: string | undefined, own: boolean): StatementTrace | undefined {
    const { queries } = this
    if (queries?.active !== true) return undefined
    const { activity } = this.#known
    const trace = queries.begin(text)
    const instrumented = !own && isInstrumented(this.#internals)
    trace.on(tracedConnection(activity, this.#internals.threadId ?? undefined, instrumented))
    return trace
  }

  /** The connection is gone. */
  lost(error: Error): void {
    this.end.cause ??= error
    if (isDeliberate(this.end.cause)) this.#notes.deliberateEnd()
    for (const each of [...this.#silent]) each.fail(error)
    this.#queue.release()
  }

  add(command: Command): Command {
    const kind = kindOf(command)
    const isOfBorrower = !this.#own && this.#internals.authorized === true
    if (isOfBorrower && (kind === 'login' || kind === 'reset')) {
      // What the session was at its start is gone with either.
      this.#known.changes.mark()
      if (kind === 'login') this.userChanged = true
    }
    if (kind === 'prepare') return this.#addPrepare(command)
    if (kind !== 'statement') return this.#queue.send(command)
    const raw = textOf(command)
    const own = this.#own
    // The server reads its backslashes in another way than we do.
    const text =
      this.transactions.status?.plainBackslash === true && raw?.includes('\\') ? undefined : raw
    const facts = text === undefined ? UNCLEAR : factsOf(text)
    if (!own) {
      const { activity, changes } = this.#known
      activity.queryCount += 1
      activity.lastQuery = raw
      if (facts.namesEngine) {
        this.#known.namesEngine()
        command.once('end', () => this.#known.namesEngine())
      }
      const { effects } = facts
      if (effects.changes || effects.readOnly)
        changes.note(effects, () => repeatableTextOf(command, this.#internals))
    }
    const effects = currentEffects()
    if (!own) this.#notes.handedOver(effects)
    const statement = new Followed(
      this,
      command,
      text,
      facts.verb,
      this.tables.transactional,
      own,
      effects,
    )
    const trace = own ? this.#ownTrace : this.trace(raw, false)
    if (trace === undefined) return this.#handOver(command, statement)
    const byEvents = statement.onResult === undefined
    const traced = new TracedStatement(trace, this.transactions, byEvents)
    statement.traced = traced
    // What cannot be prepared is answered by mysql2 without it.
    command.once('end', () => traced.ended(this.#prepareError))
    return trace.run(() => this.#handOver(command, statement))
  }

  #handOver(command: Command, statement: Followed): Command {
    follow(command, statement)
    if (statement.onResult === undefined) this.#followEvents(command, statement)
    return this.#sendUnlessRefused(command)
  }

  /** Nothing has been executed by the time it fails: it is reported as not sent. */
  #addPrepare(command: Command): Command {
    followPrepare(command, this)
    return this.#sendUnlessRefused(command)
  }

  #sendUnlessRefused(command: Command): Command {
    const refusal = this.end.refusal()
    if (refusal === undefined) return this.#queue.send(command)
    process.nextTick(() => {
      refuse(command, refusal)
      command.emit('end')
    })
    return command
  }

  #followEvents(command: Command, statement: Followed): void {
    this.#silent.add(
      explainEvents(
        command,
        statement,
        (error) => this.#failed(statement, error),
        (ended) => this.#silent.delete(ended),
      ),
    )
  }

  /** The turn of a command has come. */
  start(command: Command, statement: Followed, packet: Packet | undefined): ReturnType<Start> {
    const refusal = this.end.poisoned ? this.end.refusal() : this.#refusalAtStart(statement)
    if (refusal !== undefined) return refuse(command, refusal)
    return statement.verb === 'commit' && this.transactions.doubtful
      ? this.#askFirst(command, statement)
      : this.#send(command, statement, packet)
  }

  /** mysql2 may answer twice, of which the first counts. */
  answer(statement: Followed, error: unknown, rows: unknown, fields: unknown): void {
    if (statement.settled) return
    statement.settled = true
    const { onResult, traced } = statement
    if (error) {
      const told = this.#failed(statement, error)
      traced?.answered(statement, told)
      onResult?.(told, rows, fields)
      return
    }
    traced?.answered(statement, undefined, rows, fields)
    // A caller may look at how many there are.
    if (fields === undefined) onResult?.(error, rows)
    else onResult?.(error, rows, fields)
  }

  /** What is known of a statement that could not be prepared. */
  explainPrepare(error: unknown): unknown {
    this.#prepareError = this.#explain(UNSENT, error)
    return this.#prepareError
  }

  #send(command: Command, statement: Followed, packet: Packet | undefined): ReturnType<Start> {
    statement.begun = this.transactions.surroundings
    const error = this.#notes.sending(statement)
    if (error !== undefined) return refuse(command, error)
    statement.stage = 'sent'
    this.#running = command
    this.#statement = statement
    statement.traced?.sent(command.statement !== undefined)
    return statement.start.call(command, packet, this.#internals)
  }

  #refusalAtStart({ verb }: Followed): Error | undefined {
    return verb === 'commit'
      ? this.transactions.refusalOfCommit(this.#known.activity.lease)
      : undefined
  }

  /**
   * Whether the transaction goes on only the server knows, and tells with the answer to a ping. To COMMIT it would say that
   * it is done, in either case.
   */
  #askFirst(command: Command, statement: Followed): ReturnType<Start> {
    pingOf(this.#internals).start?.(undefined, this.#internals)
    return (packet) => {
      const flags = packet === undefined ? undefined : okFlags(packet)
      if (flags !== undefined)
        this.transactions.succeeded(statusOf(flags), undefined, this.#known.activity.lease)
      const refusal = this.transactions.refusalOfCommit(this.#known.activity.lease)
      if (refusal !== undefined) return refuse(command, refusal)
      this.#internals._resetSequenceId?.()
      return this.#send(command, statement, undefined)
    }
  }

  #failed(statement: Followed, error: unknown): unknown {
    const explained = this.#explain(statement, error)
    statement.endWrite?.(endOfFailed(statement, explained))
    return explained
  }

  #explain(statement: InFlight, error: unknown): unknown {
    if (!(error instanceof ConnectionLostError) && isClientTimeout(error)) {
      this.#notes.deliberateEnd()
      this.end.giveUpOn(error)
      // What stands behind a statement that was given up on would wait for it.
      process.nextTick(() => refuseWaiting(this.#internals, this.end.refusal()))
    }
    return this.end.explain(statement, error)
  }

  before(command: Command, packet: Packet): void {
    const statement = this.#running === command ? this.#statement : undefined
    const { lease } = this.#known.activity
    if (packet.buffer[packet.offset] === ERROR) {
      const error = errorIn(packet)
      const text = statement?.text
      const begins = statement !== undefined && (text === undefined || mayBegin(text))
      this.transactions.failed(error, begins, lease)
      if (statement !== undefined) this.#known.refused(error)
      return
    }
    const flags = statusFlagsOf(command, packet)
    if (flags !== undefined)
      this.transactions.succeeded(statusOf(flags), statement?.verb, lease, statement?.text)
  }

  after(): void {
    if (this.#running === undefined || this.#internals._command === this.#running) return
    this.#running = undefined
    this.#statement = undefined
  }
}
