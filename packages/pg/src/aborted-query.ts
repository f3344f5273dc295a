import { AbortedError, ConnectionLostError } from '@connmgr/core'
import type { QueryConfig } from 'pg'
import type { ClientInternals, PendingQuery } from './client-internals.js'
import { refuse } from './outcome/refusal.js'

/** A query that ends when its signal fires. */
export interface AbortableQuery<I extends unknown[] = unknown[]> extends QueryConfig<I> {
  /**
   * Cancels the statement on the server when it fires, and closes its connection; a transaction that it was part of is
   * rolled back. The query rejects with `CONNMGR_ABORTED`, or with `CONNMGR_COMMIT_OUTCOME_UNKNOWN` if it may have written.
   */
  readonly signal?: AbortSignal
  /** False for a statement that is never to be prepared by itself; see the option `preparedStatements`. `@default` true */
  readonly prepare?: boolean
}

/** Of a query that its signal has kept from being sent. */
export function notSent(signal: AbortSignal): AbortedError {
  return new AbortedError(
    signal.reason,
    'the query was aborted by its signal before it was sent, so nothing came of it',
  )
}

/** The error of an aborted query, by what is known of the statement. */
export function afterAbort(error: unknown, signal: AbortSignal): unknown {
  if (!(error instanceof ConnectionLostError)) return error
  return new AbortedError(
    signal.reason,
    'the query was aborted by its signal and cancelled on the server; nothing of it was committed, and a transaction that it was part of was rolled back',
  )
}

/** What running such a query takes of its session. */
export interface AbortHost {
  /** Sends it; returns what `client.query` returns. */
  send(args: unknown[]): unknown
  /** Cancels what runs, and cuts the connection off. */
  destroy(reason: Error): void
}

/** Runs a query until its signal fires. */
export function runAbortable(
  args: unknown[],
  signal: AbortSignal,
  internals: ClientInternals,
  host: AbortHost,
): unknown {
  if (signal.aborted) return refuse(args, notSent(signal))
  let over = false
  let waiting: PendingQuery | undefined
  const onAbort = (): void => {
    if (over) return
    if (waiting !== undefined && withdraw(waiting, internals))
      waiting.handleError?.(notSent(signal), undefined)
    else host.destroy(new AbortedError(signal.reason))
  }
  const settled = (): void => {
    over = true
    signal.removeEventListener('abort', onAbort)
  }
  const explain = (error: unknown): unknown => (signal.aborted ? afterAbort(error, signal) : error)
  const before = internals._queryQueue?.length ?? 0
  const result = host.send(followedToItsEnd(args, settled, explain))
  const { _queryQueue = [] } = internals
  waiting = _queryQueue.length > before ? _queryQueue.at(-1) : undefined
  if (!over) signal.addEventListener('abort', onAbort, { once: true })
  if (!(result instanceof Promise)) return result
  return result.then(
    (value) => {
      settled()
      return value
    },
    (error: unknown) => {
      settled()
      throw explain(error)
    },
  )
}

/** Takes a query that waits out of the queue; false if it has been sent, or is part of a transaction. */
function withdraw(waiting: PendingQuery, { _queryQueue, _txStatus }: ClientInternals): boolean {
  const at = _queryQueue?.indexOf(waiting) ?? -1
  // A transaction that goes on without one of its statements is not what its caller meant.
  if (at === -1 || _txStatus === 'T' || _txStatus === 'E') return false
  _queryQueue?.splice(at, 1)
  return true
}

/** The arguments of a query with a callback that tells of its end. */
function followedToItsEnd(
  args: unknown[],
  settled: () => void,
  explain: (error: unknown) => unknown,
): unknown[] {
  const follow =
    (callback: (...results: unknown[]) => void) =>
    (error: unknown, ...rest: unknown[]): void => {
      settled()
      callback(error ? explain(error) : error, ...rest)
    }
  const last = args.at(-1)
  if (typeof last === 'function') return [...args.slice(0, -1), follow(last as never)]
  const [config, ...rest] = args as [{ callback?: unknown }]
  if (typeof config.callback !== 'function') return args
  return [{ ...config, callback: follow(config.callback as never) }, ...rest]
}
