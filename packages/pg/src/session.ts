import {
  type ConnectionActivity,
  type ConnectionCondition,
  type ConnectionSignal,
  failedCommit,
  isError,
  type Role,
} from '@connmgr/core'
import type { Client, QueryArrayResult } from 'pg'
import { requestCancel } from './cancel.js'
import { classifyCommit } from './classify.js'
import { type ClientInternals, internalsOf } from './client-internals.js'

type AnyQuery = (...args: unknown[]) => unknown

const SHUTDOWN_CODES: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03'])
const READ_ONLY = '25006'
/** Whoever sends it, an ORM or a person: what its failure means for the transaction is told in the same words. */
const COMMIT = /^\s*(?:commit|end)\b/i
const QUERY_TIMEOUT_MESSAGE = 'Query read timeout'

/** What we know and note about one client, from before it connects until after it has closed. */
export class Session {
  readonly activity: ConnectionActivity
  /** From the ParameterStatus `in_hot_standby`, which servers send from version 14 on, and from every validation. */
  role: Role = 'unknown'
  readonly #client: Client
  readonly #internals: ClientInternals
  readonly #prototype: { query: AnyQuery }
  readonly #onSignal: (signal: ConnectionSignal) => void
  #live = false
  #closing = false
  #lost = false
  /** A statement was given up on while it was still running: its answer would go to whoever comes next. */
  #abandonedQuery = false

  constructor(client: Client, onSignal: (signal: ConnectionSignal) => void) {
    this.#client = client
    this.#internals = internalsOf(client)
    this.#prototype = Object.getPrototypeOf(client)
    this.#onSignal = onSignal
    this.activity = activityOf(this.#internals)
    // Stays for the client's whole life: an 'error' nobody listens to would end the process.
    client.on('error', (error: Error) => this.#onLost(error))
    client.on('end', () => this.#onLost(new Error('Connection terminated unexpectedly')))
    client.on('notice', (notice) => this.#onServerMessage(notice as Error & { code?: string }))
    const { connection } = this.#internals
    connection?.on('errorMessage', (error: Error & { code?: string }) =>
      this.#onServerMessage(error),
    )
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
  begin(): void {
    this.#live = true
    Object.defineProperty(this.#client, 'query', {
      value: (...args: unknown[]) => this.#query(args),
      configurable: true,
      enumerable: false,
      writable: true,
    })
  }

  /** Runs a statement of our own, which does not count as the borrower's. */
  async ask<R extends unknown[]>(text: string): Promise<QueryArrayResult<R>> {
    return (await this.#prototype.query.call(this.#client, {
      text,
      rowMode: 'array',
    })) as QueryArrayResult<R>
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

  #query(args: unknown[]): unknown {
    this.activity.queryCount += 1
    this.activity.lastQuery = textOf(args[0])
    // Looked up at each call, so that instrumentation that patches the class later is not bypassed.
    const { query } = this.#prototype
    const isCommit = COMMIT.test(this.activity.lastQuery ?? '')
    if (!isCommit && !this.#hasTimeout(args[0])) return query.apply(this.#client, args)
    const explain = (error: unknown): unknown => {
      this.#noteTimeout(error)
      return isCommit ? failedCommit(error, classifyCommit(error)) : error
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

  #hasTimeout(query: unknown): boolean {
    const own = (query as { query_timeout?: unknown } | null | undefined)?.query_timeout
    return Boolean(own || this.#internals.connectionParameters?.query_timeout)
  }

  #noteTimeout(error: unknown): void {
    if (isError(error) && error.message === QUERY_TIMEOUT_MESSAGE) this.#abandonedQuery = true
  }

  #onServerMessage(message: Error & { code?: string }): void {
    if (!this.#live || this.#closing || message.code === undefined) return
    if (SHUTDOWN_CODES.has(message.code)) this.#onSignal({ kind: 'shutdown', error: message })
    else if (message.code === READ_ONLY) this.#onSignal({ kind: 'read-only', error: message })
  }

  #onLost(error: Error): void {
    if (this.#lost) return
    this.#lost = true
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

/** The text of whatever `client.query` was given. */
function textOf(query: unknown): string | undefined {
  if (typeof query === 'string') return query
  const { text, cursor } = (query ?? {}) as { text?: unknown; cursor?: { text?: unknown } }
  if (typeof text === 'string') return text
  // pg-query-stream keeps its text on the cursor inside it.
  return typeof cursor?.text === 'string' ? cursor.text : undefined
}
