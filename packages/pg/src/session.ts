import {
  type ConnectionActivity,
  type ConnectionCondition,
  type ConnectionSignal,
  ConnmgrError,
  currentEffects,
  type Effects,
  type Role,
  type WriteEnd,
} from '@connmgr/core'
import type { Client } from 'pg'
import { cancelRunning, cancelTargetOf, type OpenStream } from './cancel.js'
import { endsSession } from './classify.js'
import {
  type ClientInternals,
  internalsOf,
  markDead,
  type PendingQuery,
  type ServerMessage,
} from './client-internals.js'
import {
  endOfFailed,
  type InFlight,
  isQueryTimeout,
  lossOf,
  mayWrite,
  stageAtEnd,
  textOf,
} from './in-flight.js'
import { type OwnResult, runOwn, type TextRow } from './own-query.js'

type AnyQuery = (...args: unknown[]) => unknown

const SHUTDOWN_CODES: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03'])
const READ_ONLY = '25006'

/** What we know and note about one client, from before it connects until after it has closed. */
export class Session {
  readonly activity: ConnectionActivity
  /** From the ParameterStatus `in_hot_standby`, which servers send from version 14 on, and from every validation. */
  role: Role = 'unknown'
  /** How its socket was made, if by a function of the user's. */
  openStream: OpenStream | undefined
  /** The first number of the version that the server says it has; 0 if it does not say. */
  serverVersion = 0
  readonly #client: Client
  readonly #internals: ClientInternals
  readonly #prototype: { query: AnyQuery }
  readonly #onSignal: (signal: ConnectionSignal) => void
  #live = false
  #closing = false
  #lost = false
  /** A statement was given up on while it was still running: its answer would go to whoever comes next. */
  #abandonedQuery = false
  /** Of the work that has sent the latest statement, if that may be run again. */
  #effects: Effects | undefined

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
    // Before node-postgres, which listens from `connect` on.
    connection?.on('errorMessage', (error: Error & ServerMessage) => {
      if (this.#live && endsSession(error)) this.#explainEnd(error)
      this.#onServerMessage(error)
    })
    connection?.on(
      'parameterStatus',
      (status: { parameterName: string; parameterValue: string }) => {
        if (status.parameterName === 'in_hot_standby') {
          this.role = status.parameterValue === 'on' ? 'standby' : 'primary'
        } else if (status.parameterName === 'server_version') {
          this.serverVersion = Number.parseInt(status.parameterValue, 10) || 0
        }
      },
    )
  }

  /** The client has connected: from now on trouble is signalled, and its statements are noted. */
  begin(): void {
    this.#live = true
    Object.defineProperty(this.#client, 'query', {
      value: (...args: unknown[]) => this.#query(args),
      configurable: true,
      enumerable: false,
      writable: true,
    })
    this.#explainLosses()
  }

  /** Runs a statement of our own, which does not count as the borrower's. Its values come as text. */
  ask<R extends TextRow>(text: string): Promise<OwnResult<R>> {
    return runOwn<R>(this.#client, text)
  }

  condition(): ConnectionCondition {
    const { connection, readyForQuery, _activeQuery, _queryQueue, _sentQueryQueue, _txStatus } =
      this.#internals
    if (this.#lost || this.#abandonedQuery || this.#internals._queryable === false) return 'broken'
    if (this.#internals._ending === true || connection?.stream.destroyed === true) return 'broken'
    if (readyForQuery === false || _activeQuery || _queryQueue?.length || _sentQueryQueue?.length)
      return 'busy'
    return _txStatus === 'T' || _txStatus === 'E' ? 'transaction' : 'clean'
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
    const { connection } = this.#internals
    if (connection === undefined || connection.stream.destroyed) return
    // Begins as node-postgres would put it, so that whoever goes by its words understands.
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

  #query(args: unknown[]): unknown {
    this.activity.queryCount += 1
    this.activity.lastQuery = textOf(args[0])
    // Looked up at each call, so that instrumentation that patches the class later is not bypassed.
    const { query } = this.#prototype
    const gone = this.#gone
    let endWrite: ((end: WriteEnd) => void) | undefined
    try {
      endWrite = this.#noteWrite(args[0])
    } catch (error) {
      return refuse(args, error)
    }
    if (!gone && endWrite === undefined && !this.#hasTimeout(args[0]))
      return query.apply(this.#client, args)
    const explain = (error: unknown): unknown => {
      const explained = told(error)
      endWrite?.(endOfFailed(textOf(args[0]), explained))
      return explained
    }
    const told = (error: unknown): unknown => {
      if (gone) return lossOf({ ...this.#facts(args[0]), stage: 'unsent' }, originOf(error))
      if (!isQueryTimeout(error)) return error
      this.#abandonedQuery = true
      return lossOf({ ...this.#facts(args[0]), stage: 'sent' }, error)
    }
    const last = args.length - 1
    const callback = args[last]
    if (typeof callback === 'function') {
      args[last] = (error: unknown, ...rest: unknown[]) =>
        callback(error ? explain(error) : error, ...rest)
      return query.apply(this.#client, args)
    }
    const result = query.apply(this.#client, args)
    if (!(result instanceof Promise)) return result
    return result.catch((error: unknown) => {
      throw explain(error)
    })
  }

  /** If the caller's work may be run again, notes there what commits. What is shared is noted where it is handed over. */
  #noteWrite(query: unknown): ((end: WriteEnd) => void) | undefined {
    const effects = currentEffects()
    this.#effects = effects
    if (effects === undefined || isShared(query)) return undefined
    return mayWrite(this.#facts(query)) ? effects.begin() : undefined
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
    return { text: textOf(query), status: this.#internals._txStatus }
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

  /** The server ends the session, and says so to the query that it is at. */
  #explainEnd(error: ServerMessage): void {
    const query = this.#internals._activeQuery
    if (!query) return
    explainTo(query, { ...this.#facts(query), stage: stageAtEnd(query, error) })
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
    this.#effects?.noteLoss()
    if (!this.#live || this.#closing) return
    this.#onSignal({ kind: 'lost', error })
  }
}

/** Has a query told what the next error means for it. Those that are shared see to that themselves. */
function explainTo(query: PendingQuery, facts: InFlight): void {
  if (isShared(query) || query.handleError === undefined) return
  const { handleError } = query
  query.handleError = (error, connection) => {
    query.handleError = handleError
    handleError.call(query, lossOf(facts, error), connection)
  }
}

/** Has a query fail that is not to be sent, in whichever way its caller would hear of it. */
function refuse(args: readonly unknown[], error: unknown): unknown {
  const callback = args.at(-1)
  const { submit, handleError } = (args[0] ?? {}) as PendingQuery & { submit?: unknown }
  if (typeof callback === 'function') process.nextTick(callback as (error: unknown) => void, error)
  else if (typeof submit === 'function')
    process.nextTick(() => handleError?.call(args[0], error, undefined))
  else return Promise.reject(error)
  return submit === undefined ? undefined : args[0]
}

function isShared(query: unknown): boolean {
  return typeof query === 'object' && query !== null && 'lane' in query
}

/** What node-postgres itself has said. */
function originOf(error: unknown): unknown {
  return error instanceof ConnmgrError ? error.cause : error
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
