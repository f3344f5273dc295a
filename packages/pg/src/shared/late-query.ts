import { AsyncResource } from 'node:async_hooks'
import type { StatementTrace } from '@connmgr/core/driver'
import type { QueryResult } from 'pg'
import { leadingHere } from '../leading-here.js'
import { refuse } from '../outcome/refusal.js'
import { rowCountOf } from '../traced-statement.js'
import { type Caller, RunAlone, type SharedQuery } from './shared-query.js'

type Settled = (error: unknown, result?: QueryResult) => void

/** What becomes of a query that was sent among others. */
export interface LateQueryHost {
  /** It has ended there. */
  ended(): void
  /** It came to nothing there, through no fault of its own. */
  needsConnection(query: LateQuery, why: RunAlone): void
}

/** A query of a client that may have no connection of its own yet. */
export class LateQuery implements Caller {
  /** What `client.query` returns. */
  readonly returned: unknown
  /** While it is followed: how it is among others. */
  shared: SharedQuery | undefined
  /** For its subscribers, if there are any. */
  readonly #trace: StatementTrace | undefined
  readonly #host: LateQueryHost
  readonly #args: readonly unknown[]
  readonly #callback: Settled | undefined
  readonly #isPlain: boolean
  #flow: AsyncResource | undefined
  #resolve: ((result: unknown) => void) | undefined
  /** What is left of its own time limit, if it has one and some of it has passed. */
  #queryTimeoutMs: number | undefined

  constructor(args: readonly unknown[], host: LateQueryHost, trace: StatementTrace | undefined) {
    this.#trace = trace
    const [given, second, third] = args
    const { callback, submit, signal } = (given ?? {}) as Record<string, unknown>
    const found = [second, third, callback].find((each) => typeof each === 'function')
    this.#args = args
    this.#host = host
    this.#callback = submit === undefined ? (found as Settled | undefined) : undefined
    this.#isPlain = submit === undefined && callback === undefined && signal === undefined
    if (submit !== undefined) this.returned = given
    else if (found === undefined) {
      this.returned = new Promise<unknown>((resolve) => {
        this.#resolve = resolve
      })
    }
  }

  /** The query, if it may be sent among those of others as it is. */
  get shareable(): { readonly query: unknown; readonly values: unknown } | undefined {
    if (!this.#isPlain) return undefined
    const [query, values] = this.#args
    return { query, values: typeof values === 'function' ? undefined : values }
  }

  /** It waits behind another, and is to be sent in the asynchronous flow that it was asked in. */
  keepFlow(): void {
    this.#flow = new AsyncResource('connmgr.query')
  }

  inFlow(run: () => void): void {
    if (this.#flow === undefined) run()
    else this.#flow.runInAsyncScope(run)
  }

  /** Answered among others. A callback that throws must not harm them. */
  resolve(result: QueryResult): void {
    this.#traceShared()
    this.#trace?.succeeded(rowCountOf(result))
    if (this.#callback === undefined) this.#resolve?.(result)
    else process.nextTick(this.#callback, null, result)
    this.#host.ended()
  }

  reject(reason: unknown): void {
    if (reason instanceof RunAlone) {
      this.#queryTimeoutMs = reason.queryTimeoutMs
      this.#host.needsConnection(this, reason)
      return
    }
    this.#traceShared()
    this.fail(reason)
    this.#host.ended()
  }

  /** Was not sent, or has failed. */
  fail(error: unknown): void {
    this.#trace?.failed(error)
    if (this.#callback !== undefined) process.nextTick(this.#callback, error)
    else if (this.#resolve === undefined) refuse(this.#args, error)
    else this.#resolve(leadingHere(error))
  }

  /** Runs it on a connection of the client's own. @param stop called at its end */
  runOn(send: (...args: unknown[]) => unknown, stop: (() => void) | undefined): void {
    this.inFlow(() => {
      try {
        const args = this.#argsInTime()
        const result =
          this.#trace === undefined
            ? send(...args)
            : this.#trace.handOver(() => send(...args), true)
        this.#resolve?.(result)
        if (stop !== undefined && result instanceof Promise) result.then(stop, stop)
      } catch (error) {
        this.fail(error)
      }
    })
  }

  /** The server has answered it among others, or its lane has given it up. */
  #traceShared(): void {
    const { lane } = this.shared ?? {}
    if (this.#trace !== undefined && this.shared !== undefined)
      lane?.trace(this.shared, this.#trace)
  }

  #argsInTime(): readonly unknown[] {
    if (this.#queryTimeoutMs === undefined) return this.#args
    const [given, ...rest] = this.#args
    const config = typeof given === 'string' ? { text: given } : (given as object)
    return [{ ...config, query_timeout: this.#queryTimeoutMs }, ...rest]
  }
}
