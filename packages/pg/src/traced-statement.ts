import {
  type ConnectionActivity,
  type StatementTrace,
  type TracedConnection,
  tracedConnection,
} from '@connmgr/core/driver'
import type { ClientInternals, PendingQuery } from './client-internals.js'
import { textOf } from './given-query.js'
import { isSubmittable, type Submittable } from './open-statement.js'
import { whenSent } from './outcome/refusal.js'
import type { StatementTracker } from './outcome/statement-tracker.js'
import type { TransactionWatch } from './outcome/transaction-watch.js'

type Callback = (error: unknown, ...rest: unknown[]) => unknown

/** What tracing reads of a session. */
export interface TracedSession {
  readonly activity: ConnectionActivity
  readonly internals: ClientInternals
  readonly transactions: TransactionWatch
  readonly statements: Pick<StatementTracker, 'explainsLatest'>
  /** Sends a statement. @param args those of `client.query` */
  send(args: unknown[]): unknown
}

/** What node-postgres calls on a query that speaks to the server by itself. */
interface Followable extends Submittable, Handlers {}

interface Handlers {
  handleReadyForQuery?: (...args: unknown[]) => unknown
  handleError?: (error: unknown, ...rest: unknown[]) => unknown
  handleDataRow?: (...args: unknown[]) => unknown
  handleCommandComplete?: (message: { readonly text?: string }, ...rest: unknown[]) => unknown
}

/** Where what is sent now runs. @param instrumented whether another tracer has wrapped the client */
export function placeOf(
  { activity, internals }: TracedSession,
  instrumented = false,
): TracedConnection {
  return tracedConnection(activity, internals.processID ?? undefined, instrumented)
}

const COPIED = /^COPY (\d+)$/

/**
 * Sends a statement of a borrower and follows it for its subscribers, until its caller has the answer. It changes nothing
 * of when and how the caller gets it.
 *
 * @param args those of `client.query`, in an array of their own
 */
export function sendTraced(
  trace: StatementTrace,
  session: TracedSession,
  args: unknown[],
): unknown {
  const [given] = args
  const note = new AnswerNote(trace, session, textOf(given))
  const end = trace.handedOver ? NOT_ENDED : trace
  if (isSubmittable(given)) followSubmittable(given, note, end)
  // Who has handed it over gets the answer by a callback, and ends it there.
  else if (!trace.handedOver) followCallback(args, note, end)
  const { internals, statements } = session
  const queued = internals._queryQueue?.length ?? 0
  const pipelined = internals._sentQueryQueue?.length ?? 0
  const active = internals._activeQuery
  trace.sent()
  const result = session.send(args)
  if (isSubmittable(given)) return result
  const { _activeQuery, _queryQueue = [], _sentQueryQueue = [] } = internals
  const waiting = _queryQueue.length > queued ? _queryQueue.at(-1) : undefined
  if (waiting !== undefined) whenSent(waiting, () => void trace.sent())
  const pending =
    waiting ??
    (_activeQuery !== active
      ? _activeQuery
      : _sentQueryQueue.length > pipelined
        ? _sentQueryQueue.at(-1)
        : undefined)
  if (!(result instanceof Promise)) {
    if (pending) followAnswer(pending, note, NOT_ENDED)
    return result
  }
  // The query learns what its caller learns, and it takes no promise more to know it.
  const isAll = pending?.callback !== undefined && !statements.explainsLatest
  if (pending) followAnswer(pending, note, isAll ? end : NOT_ENDED)
  return isAll ? result : followPromise(result, note, end)
}

/** Follows a statement of the engine's that belongs to a borrower's work, such as the BEGIN of its transaction. */
export async function askTraced<T>(
  trace: StatementTrace,
  session: TracedSession,
  text: string,
  ask: () => Promise<T>,
): Promise<T> {
  const note = new AnswerNote(trace, session, text)
  trace.sent()
  try {
    const result = await ask()
    note.take(undefined)
    trace.succeeded(undefined)
    return result
  } catch (error) {
    note.take(error)
    trace.failed(error)
    throw error
  }
}

/** Rows returned or changed, of all statements of a text. */
export function rowCountOf(result: unknown): number | undefined {
  if (!Array.isArray(result)) {
    const { rowCount } = (result ?? {}) as { rowCount?: unknown }
    return typeof rowCount === 'number' ? rowCount : undefined
  }
  const counts = result.map(rowCountOf).filter((count) => count !== undefined)
  return counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + count, 0)
}

type End = Pick<StatementTrace, 'succeeded' | 'failed'>

/** The end of a statement whose end another call publishes. */
const NOT_ENDED: End = {
  succeeded: () => {},
  failed: () => {},
}

/** Notes what is known at the moment of the answer, and soon after no more. */
class AnswerNote {
  declare private readonly trace: StatementTrace
  declare private readonly session: TracedSession
  declare private readonly text: string | undefined
  declare query: PendingQuery | undefined
  declare private taken: boolean

  constructor(trace: StatementTrace, session: TracedSession, text: string | undefined) {
    this.trace = trace
    this.session = session
    this.text = text
    this.query = undefined
    this.taken = false
  }

  /** Calls after the first do nothing. @param error what the query has failed with */
  take(error: unknown): void {
    if (this.taken) return
    this.taken = true
    const { trace } = this
    const { internals, transactions } = this.session
    trace.answered()
    trace.inTransaction(
      error && internals.readyForQuery !== true
        ? transactions.ofFailed(this.text)
        : transactions.ofLatest(),
    )
    if ((this.query as { name?: unknown } | undefined)?.name) trace.prepared()
  }
}

/** Follows by the query itself: a promise tells a moment later, when the next may have been answered. */
function followAnswer(query: PendingQuery, note: AnswerNote, end: End): void {
  note.query = query
  const { callback } = query
  if (typeof callback !== 'function') return
  query.callback = noting(callback, note, end)
}

/** Made here, and not where it is set, for the reason given at `LeasedClient`. */
function noting(
  callback: NonNullable<PendingQuery['callback']>,
  note: AnswerNote,
  end: End,
): typeof callback {
  return function (this: unknown, error, ...rest) {
    note.take(error)
    if (error) end.failed(error)
    else end.succeeded(rowCountOf(rest[0]))
    return callback.call(this, error, ...rest)
  }
}

function followPromise(result: Promise<unknown>, note: AnswerNote, end: End): Promise<unknown> {
  return result.then(
    (value: unknown) => {
      note.take(undefined)
      end.succeeded(rowCountOf(value))
      return value
    },
    (error: unknown) => {
      note.take(error)
      end.failed(error)
      throw error
    },
  )
}

/** Follows by the caller's callback, if there is one. */
function followCallback(args: unknown[], note: AnswerNote, end: End): void {
  const last = args.length - 1
  const callback = args[last]
  const answered =
    (callback: Callback): Callback =>
    (error, ...rest) => {
      note.take(error)
      if (error) end.failed(error)
      else end.succeeded(rowCountOf(rest[0]))
      return callback(error, ...rest)
    }
  if (typeof callback === 'function') args[last] = answered(callback as Callback)
  else {
    const { callback: own } = (args[0] ?? {}) as { callback?: unknown }
    if (typeof own === 'function')
      args[0] = { ...(args[0] as object), callback: answered(own as Callback) }
  }
}

/** Of a cursor, a stream or a COPY the end is what node-postgres tells it. It lasts as long as it is open. */
function followSubmittable(query: Followable, note: AnswerNote, end: End): void {
  let rows: number | undefined
  const { handleCommandComplete, handleDataRow, handleError, handleReadyForQuery } = query
  note.query = query as PendingQuery
  // In an object of their own, for the reason given at `LeasedClient`.
  const following: Required<Handlers> = {
    handleDataRow: (...given) => {
      rows = (rows ?? 0) + 1
      return handleDataRow?.apply(query, given)
    },
    handleCommandComplete: (message, ...rest) => {
      const [, copied] = COPIED.exec(message.text ?? '') ?? []
      if (copied !== undefined) rows = Number(copied)
      return handleCommandComplete?.call(query, message, ...rest)
    },
    handleReadyForQuery: (...given) => {
      note.take(undefined)
      end.succeeded(rows)
      return handleReadyForQuery?.apply(query, given)
    },
    handleError: (error, ...rest) => {
      note.take(error)
      end.failed(error)
      return handleError?.call(query, error, ...rest)
    },
  }
  for (const name of Object.keys(following) as (keyof Handlers)[])
    if (query[name] !== undefined) Object.assign(query, { [name]: following[name] })
}
