import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { TimerHandle } from '@connmgr/core/driver'
import type { QueryResult } from 'pg'
import type { ServerMessage } from '../client-internals.js'
import { endsSession, isUnresolved, stageAtEnd } from '../outcome/evidence.js'
import { failureOf, type InFlight, lossOf } from '../outcome/in-flight.js'
import { wasRefused } from '../prepared/planned-query.js'
import { isUnprepared } from '../prepared/unprepared-scope.js'
import { wasStale } from '../prepared-statements.js'
import type { ClientClass } from '../session-opener.js'
import type { Lane } from './lane.js'
import type { SharedStatement } from './statement.js'

/** A query that was not executed where it was to be shared, for which that is known, and which may run elsewhere. */
export class RunAlone {
  constructor(
    /** What is left of its own time limit, if it has one. */
    readonly queryTimeoutMs?: number,
    /** What is left of the time to wait for a connection, if some has passed. */
    readonly acquireTimeoutMs?: number,
  ) {}
}

type Connection = EventEmitter & {
  readonly stream: Socket
  readonly parsedStatements: Record<string, string>
}
type Answered = (error: unknown, result?: QueryResult) => void

/** What `pg.Query` is beyond its declared type. */
interface PgQuery {
  readonly name?: string
  readonly text?: string
  readonly _result?: { readonly command?: string | null }
  callback: Answered
  submit(connection: Connection): Error | null
  handleError(error: unknown, connection: Connection): void
  handleReadyForQuery(connection: Connection): void
}
type PgQueryClass = new (config: unknown, values: unknown) => PgQuery

/** The answer to a shared query. */
export interface Caller {
  readonly resolve: (result: QueryResult) => void
  readonly reject: (reason: unknown) => void
}

/** One query on its way through a {@link Lane}. */
export interface SharedQuery {
  readonly statement: SharedStatement
  readonly caller: Caller
  /** Its own `query_timeout`. */
  readonly timeoutMs: number | undefined
  /** False if its caller wants it unprepared. */
  readonly mayPrepare: boolean
  /** When it was handed to its lane. */
  readonly givenAt: number
  lane: Lane | undefined
  /** What its lane expects it to take. */
  expectedMs: number
  dueAt: number
  timer: TimerHandle | undefined
  /** Its caller has got a timeout, and waits for the answer no more. */
  abandoned: boolean
  /** Has it fail for its caller, unless that has an answer. */
  tell(reason: unknown): void
  /** What it means for it that its connection is lost, or that it is given up on. */
  lossBy(cause: unknown, stage: InFlight['stage']): Error
}

export type SharedQueryClass = new (
  config: unknown,
  values: unknown,
  statement: SharedStatement,
  caller: Caller,
  givenAt: number,
) => SharedQuery

const NOT_SENT = new Error('the connection had been closed before the query was sent')
const CANCELLED = '57014'

const CLASSES = new WeakMap<ClientClass, SharedQueryClass>()

/** The class of shared queries that a client class takes for queries of its own. */
export function sharedQueryOf(Client: ClientClass): SharedQueryClass {
  const known = CLASSES.get(Client)
  if (known !== undefined) return known
  const derived = derive((Client as unknown as { Query: PgQueryClass }).Query)
  CLASSES.set(Client, derived)
  return derived
}

function derive(Query: PgQueryClass): SharedQueryClass {
  /** Follows what becomes of it by overriding what node-postgres calls on a query. */
  return class extends Query implements SharedQuery {
    readonly statement: SharedStatement
    readonly caller: Caller
    readonly timeoutMs: number | undefined
    readonly mayPrepare: boolean
    readonly givenAt: number
    lane: Lane | undefined = undefined
    expectedMs = 0
    dueAt = 0
    timer: TimerHandle | undefined = undefined
    abandoned = false
    #answered = false
    #stage: 'new' | 'submitting' | 'sent' = 'new'
    /** Its values could not be sent, but the server answers to what had been sent before them. */
    #unbound = false

    constructor(
      config: unknown,
      values: unknown,
      statement: SharedStatement,
      caller: Caller,
      givenAt: number,
    ) {
      super(config, values)
      this.statement = statement
      this.caller = caller
      this.givenAt = givenAt
      this.timeoutMs = (config as { query_timeout?: number }).query_timeout || undefined
      this.mayPrepare = (config as { prepare?: unknown }).prepare !== false && !isUnprepared()
      this.callback = answered
    }

    tell(reason: unknown): void {
      if (this.#answered) return
      this.#answered = true
      this.caller.reject(reason)
    }

    lossBy(cause: unknown, stage: InFlight['stage']): Error {
      return lossOf(this.#inFlight(stage), cause)
    }

    override submit(connection: Connection): Error | null {
      if (!connection.stream.writable) return NOT_SENT
      this.#stage = 'submitting'
      const error = super.submit(connection)
      this.#stage = error === null ? 'sent' : 'new'
      return error
    }

    override handleError(error: unknown, connection: Connection): void {
      if (this.#stage === 'submitting') {
        this.#unbound = true
        this.tell(error)
        return
      }
      const lane = this.lane as Lane
      const sent = this.#stage === 'sent'
      if (lane.lost) this.tell(this.#lostOn(lane, sent, error))
      else if (error === NOT_SENT || this.#hitByMistake(lane, error)) {
        this.tell(lane.elsewhere(this))
      } else if (endsSession(error as ServerMessage)) {
        lane.noteFatal(error)
        this.tell(this.lossBy(error, stageAtEnd(this, error as ServerMessage)))
      } else if (isUnresolved(error as ServerMessage)) {
        this.tell(failureOf(this.#inFlight('sent'), error as ServerMessage))
      } else super.handleError(error, connection)
      lane.ended(this, sent)
    }

    override handleReadyForQuery(connection: Connection): void {
      // node-postgres has closed the statement, and remembers it as prepared.
      if (this.#unbound && this.name) delete connection.parsedStatements[this.name]
      super.handleReadyForQuery(connection)
      // Has it ended with an error of its rows, then node-postgres has called handleError.
      if (this.lane !== undefined) this.lane.ended(this, true)
    }

    #inFlight(stage: InFlight['stage']): InFlight {
      return { text: this.text, status: 'I', stage, catalog: this.lane?.catalog }
    }

    /** The error of a query whose connection has gone. */
    #lostOn(lane: Lane, sent: boolean, error: unknown): unknown {
      lane.noteFatal(error)
      // The server answers in order: what is behind the query that it ended the session at was never begun.
      if (!sent || lane.endedByServer) return lane.elsewhere(this)
      return this.lossBy(error, 'sent')
    }

    /** Failed for what befell another query on the same connection, and without effect. */
    #hitByMistake(lane: Lane, error: unknown): boolean {
      const { code } = error as { code?: unknown }
      if (code === CANCELLED) return lane.cancelled && !this.abandoned
      // What was prepared under its name does not fit, or was to be prepared by a query before it that failed.
      return wasRefused(this) || wasStale(error, this)
    }
  }
}

/** Called by node-postgres as a method; one function serves all queries. */
function answered(this: SharedQuery, error: unknown, result?: QueryResult): void {
  if (error) this.tell(error)
  else this.caller.resolve(result as QueryResult)
}
