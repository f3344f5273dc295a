import { ConnectionLostError } from '@connmgr/core'
import {
  type ConnectionActivity,
  currentEffects,
  type Effects,
  messageOf,
  noteWrite,
} from '@connmgr/core/driver'
import type { CommandQueue } from '../command-queue.js'
import {
  classify,
  type DriverError,
  errnoOf,
  isAnswerOfServer,
  isClientTimeout,
  isDeliberate,
} from '../errors/classify.js'
import { type Command, type Internals, kindOf, type Packet, textOf } from '../internals.js'
import { okFlags, statusFlagsOf, statusOf } from '../server-status.js'
import type { SessionChanges } from '../session-changes.js'
import { factsOf, UNCLEAR } from '../text/facts.js'
import { mayBegin } from '../text/statement-text.js'
import { Followed } from './followed.js'
import { endOfFailed, lossOf, mayWrite } from './in-flight.js'
import { pingOf } from './ping.js'
import { TransactionWatch } from './transaction-watch.js'

/** What a session is known to be, beyond what mysql2 keeps. */
interface Known {
  readonly activity: ConnectionActivity
  readonly changes: SessionChanges
  /** The server has refused a statement, or ended the session with it. */
  refused(error: Error): void
  /** A borrower sends what may make a table that takes no part in transactions. */
  namesEngine(): void
}

const ERROR = 0xff

type Start = NonNullable<Command['start']>

/**
 * Follows the statements of one connection, and gives each that fails an error that says what is known of its outcome: after
 * a lost connection, an end of the session by the server, a time limit, or a COMMIT of what was rolled back. Refuses what
 * must not be sent.
 */
export class StatementFollower {
  readonly transactions = new TransactionWatch()
  /** Whether all tables take part in transactions. In doubt they do not. */
  transactional = false
  /** Why the connection is no more, or is about to be. */
  lossCause: Error | undefined
  /** Another user has logged in on the connection. */
  userChanged = false
  readonly #internals: Internals
  readonly #queue: CommandQueue
  readonly #known: Known
  /** The command that packets are for, and its statement. */
  #running: Command | undefined
  #statement: Followed | undefined
  /** Statements that answer by events, which mysql2 forgets when a connection is lost. */
  readonly #silent = new Set<{ command: Command; fail: (error: unknown) => void }>()
  #own = false
  #givenUpOn: unknown
  /** Of the work that has sent the latest statement outside of a transaction, and so has begun the one that is open. */
  #begunIn: Effects | undefined
  #effects: Effects | undefined

  constructor(internals: Internals, queue: CommandQueue, known: Known) {
    this.#internals = internals
    this.#queue = queue
    this.#known = known
    queue.intercept((command, send) => this.#add(command, send), {
      before: (command, packet) => this.#onPacket(command, packet),
      after: () => {
        if (this.#running === undefined || this.#internals._command === this.#running) return
        this.#running = undefined
        this.#statement = undefined
      },
    })
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

  /** A statement was given up on: the server may still run it, and the next one would wait for it. */
  get poisoned(): boolean {
    return this.#givenUpOn !== undefined
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
      this.lossCause ?? this.#internals._fatalError ?? this.#internals._protocolError ?? undefined
    return new ConnectionLostError(
      `not sent, as the connection is closed${cause === undefined ? '' : `: ${messageOf(cause)}`}`,
      cause,
      { sent: false, deliberate: isDeliberate(cause) },
    )
  }

  /** The connection is gone. */
  lost(error: Error): void {
    this.lossCause ??= error
    if (isDeliberate(this.lossCause)) this.#noteDeliberateEnd()
    for (const each of [...this.#silent]) each.fail(error)
    this.#queue.release()
  }

  #add(command: Command, send: (command: Command) => Command): Command {
    const kind = kindOf(command)
    if (kind === 'login' && this.#internals.authorized === true) this.userChanged = true
    if (kind !== 'statement' && kind !== 'prepare') return send(command)
    const raw = textOf(command)
    const own = this.#own
    // The server reads its backslashes in another way than we do.
    const text =
      this.transactions.status?.plainBackslash === true && raw?.includes('\\') ? undefined : raw
    const isPrepare = kind === 'prepare'
    const facts = text === undefined ? UNCLEAR : factsOf(text)
    if (!own && !isPrepare) {
      const { activity, changes } = this.#known
      activity.queryCount += 1
      activity.lastQuery = raw
      if (facts.namesEngine) this.#known.namesEngine()
      const { effects } = facts
      if (effects.changes || effects.readOnly)
        changes.note(effects, command.statement === undefined ? command.sql : undefined)
    }
    const verb = isPrepare ? undefined : facts.verb
    this.#follow(command, new Followed(text, verb, this.transactional, own), isPrepare)
    const refusal = this.refusal()
    if (refusal === undefined) return send(command)
    process.nextTick(() => {
      this.#refuse(command, refusal)
      command.emit('end')
    })
    return command
  }

  #follow(command: Command, statement: Followed, isPrepare: boolean): void {
    const effects = currentEffects()
    if (!statement.own) this.#effects = effects
    const begin = command.start as Start
    command.start = (packet, connection) => {
      const refusal =
        this.#givenUpOn === undefined ? this.#refusalAtStart(statement) : this.refusal()
      if (refusal !== undefined) return this.#refuse(command, refusal)
      const send: Start = () => {
        const error = isPrepare ? undefined : this.#sending(statement, effects)
        if (error !== undefined) return this.#refuse(command, error)
        this.#running = command
        this.#statement = statement
        return begin.call(command, packet, connection)
      }
      return statement.verb === 'commit' && this.transactions.doubtful
        ? this.#askFirst(command, send)
        : send(packet, connection)
    }
    this.#explainTo(command, statement)
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
  #askFirst(command: Command, send: Start): ReturnType<Start> {
    pingOf(this.#internals).start?.(undefined, this.#internals)
    return (packet, connection) => {
      const flags = packet === undefined ? undefined : okFlags(packet)
      if (flags !== undefined)
        this.transactions.succeeded(statusOf(flags), undefined, this.#known.activity.lease)
      const refusal = this.transactions.refusalOfCommit(this.#known.activity.lease)
      if (refusal !== undefined) return this.#refuse(command, refusal)
      this.#internals._resetSequenceId?.()
      return send(packet, connection)
    }
  }

  /** A statement is about to be sent. Returns why it must not be. */
  #sending(statement: Followed, effects: Effects | undefined): Error | undefined {
    const borrowers = this.#borrowers
    statement.begun = this.transactions.surroundings
    if (statement.begun !== 'transaction')
      this.#begunIn = effects ?? (statement.own ? undefined : borrowers?.alive)
    try {
      if (
        !statement.own &&
        (effects !== undefined || borrowers !== undefined) &&
        mayWrite(statement)
      ) {
        if (statement.begun === 'transaction') this.#begunIn?.requireCommittable()
        statement.endWrite = noteWrite(effects, borrowers)
      }
    } catch (error) {
      return error as Error
    }
    statement.stage = 'sent'
    return undefined
  }

  /** Has the caller get the error that says what is known. mysql2 may answer twice, of which the first counts. */
  #explainTo(command: Command, statement: Followed): void {
    const { onResult } = command
    if (onResult !== undefined) {
      command.onResult = (error, ...results) => {
        if (statement.settled) return
        statement.settled = true
        if (error) onResult(this.#failed(statement, error), ...results)
        else onResult(error, ...results)
      }
      return
    }
    const emit = command.emit.bind(command)
    const silent = {
      command,
      fail: (error: unknown): void => {
        this.#silent.delete(silent)
        if (statement.settled) return
        if (command.listenerCount('error') > 0) command.emit('error', error)
        command.emit('end')
      },
    }
    this.#silent.add(silent)
    command.emit = (event: string | symbol, ...args: unknown[]) => {
      if (event === 'end') {
        this.#silent.delete(silent)
        statement.settled = true
      }
      if (event !== 'error' || statement.settled) return emit(event, ...args)
      return emit(event, this.#failed(statement, args[0]), ...args.slice(1))
    }
  }

  #failed(statement: Followed, error: unknown): unknown {
    const explained = this.#explain(statement, error)
    statement.endWrite?.(endOfFailed(statement, explained))
    return explained
  }

  #explain(statement: Followed, error: unknown): unknown {
    if (error instanceof ConnectionLostError) return error
    if (isClientTimeout(error)) return this.#giveUpOn(statement, error)
    if (isAnswerOfServer(error)) return error
    const kind = classify(error)
    if (kind !== 'lost' && kind !== 'shutdown' && kind !== 'unreachable') return error
    if (errnoOf(error as DriverError) !== undefined && statement.stage === 'sent')
      statement.stage = 'aborted'
    return lossOf(statement, this.lossCause ?? error)
  }

  /** What is sent from now on waits for it, and a COMMIT might take effect beside it. So nothing is sent. */
  #giveUpOn(statement: Followed, cause: unknown): Error {
    this.#noteDeliberateEnd()
    this.#givenUpOn ??= cause
    return lossOf(statement, cause)
  }

  /** Ends a command that is not sent. Returns what ends its state machine. */
  #refuse(command: Command, error: Error): null {
    if (command.onResult !== undefined) command.onResult(error)
    else if (command.listenerCount('error') > 0) command.emit('error', error)
    return null
  }

  #onPacket(command: Command, packet: Packet): void {
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
    if (flags !== undefined) this.transactions.succeeded(statusOf(flags), statement?.verb, lease)
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
}

/** The error in a packet, without moving its offset. */
function errorIn({ buffer, end, offset }: Packet): Error & { errno: number; sqlState: string } {
  const errno = buffer.readUInt16LE(offset + 1)
  const hasState = buffer[offset + 3] === 0x23
  const sqlState = hasState ? buffer.toString('latin1', offset + 4, offset + 9) : ''
  const message = buffer.toString('utf8', offset + (hasState ? 9 : 3), end)
  return Object.assign(new Error(message), { errno, sqlState })
}
