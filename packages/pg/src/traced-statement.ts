import {
  type ConnectionActivity,
  type StatementTrace,
  type TracedConnection,
  tracedLease,
} from '@connmgr/core/driver'
import type { ClientInternals, PendingQuery } from './client-internals.js'
import { isSubmittable, type Submittable } from './open-statement.js'
import { textOf } from './outcome/in-flight.js'
import { whenSent } from './outcome/refusal.js'
import type { TransactionWatch } from './outcome/transaction-watch.js'

type Callback = (error: unknown, ...rest: unknown[]) => unknown

/** What tracing reads of a session. */
export interface TracedSession {
  readonly activity: ConnectionActivity
  readonly internals: ClientInternals
  readonly transactions: TransactionWatch
}

/** What node-postgres calls on a query that speaks to the server by itself. */
interface Followable extends Submittable {
  handleReadyForQuery?: (...args: unknown[]) => unknown
  handleError?: (error: unknown, ...rest: unknown[]) => unknown
  handleDataRow?: (...args: unknown[]) => unknown
  handleCommandComplete?: (message: { readonly text?: string }, ...rest: unknown[]) => unknown
}

/** Where what is sent now runs. */
export function placeOf({ activity, internals }: TracedSession): TracedConnection {
  return { ...tracedLease(activity), processId: internals.processID ?? undefined }
}

const COPIED = /^COPY (\d+)$/

/**
 * Sends a statement of a borrower and follows it for its subscribers, until its caller has the answer. It changes nothing
 * of when and how the caller gets it.
 *
 * @param args those of `client.query`
 */
export function sendTraced(
  trace: StatementTrace,
  session: TracedSession,
  args: readonly unknown[],
  send: (args: unknown[]) => unknown,
): unknown {
  const [given] = args
  const note = notesOf(trace, session, textOf(given))
  const end = trace.handedOver ? NOT_ENDED : trace
  if (isSubmittable(given)) followSubmittable(given, note, end)
  const followed = isSubmittable(given) ? [...args] : withCallback(args, note, end)
  const { internals } = session
  const queued = internals._queryQueue?.length ?? 0
  const active = internals._activeQuery
  trace.sent()
  const result = send(followed)
  const { _activeQuery, _queryQueue = [], _sentQueryQueue } = internals
  const waiting = _queryQueue.length > queued ? _queryQueue.at(-1) : undefined
  if (waiting !== undefined) whenSent(waiting, () => void trace.sent())
  const pending = waiting ?? (_activeQuery !== active ? _activeQuery : _sentQueryQueue?.at(-1))
  if (pending != null && !isSubmittable(given)) noteAnswer(pending, note)
  if (isSubmittable(given) || !(result instanceof Promise)) return result
  return result.then(
    (value: unknown) => {
      note(undefined)
      end.succeeded(rowCountOf(value))
      return value
    },
    (error: unknown) => {
      note(error)
      end.failed(error)
      throw error
    },
  )
}

/** Follows a statement of the engine's that belongs to a borrower's work, such as the BEGIN of its transaction. */
export async function askTraced<T>(
  trace: StatementTrace,
  session: TracedSession,
  text: string,
  ask: () => Promise<T>,
): Promise<T> {
  const note = notesOf(trace, session, text)
  trace.sent()
  try {
    const result = await ask()
    note(undefined)
    trace.succeeded(undefined)
    return result
  } catch (error) {
    note(error)
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

/** The end of a statement whose end another call publishes. */
const NOT_ENDED: Pick<StatementTrace, 'succeeded' | 'failed'> = {
  succeeded: () => {},
  failed: () => {},
}

type Note = ((error: unknown) => void) & { query?: PendingQuery }

/** Notes what is known at the moment of the answer, and soon after no more. */
function notesOf(
  trace: StatementTrace,
  { internals, transactions }: TracedSession,
  text: string | undefined,
): Note {
  let noted = false
  const note: Note = (error) => {
    if (noted) return
    noted = true
    trace.answered()
    trace.inTransaction(
      error && internals.readyForQuery !== true
        ? transactions.ofFailed(text)
        : transactions.ofLatest(),
    )
    if ((note.query as { name?: unknown } | undefined)?.name) trace.prepared()
  }
  return note
}

/** Has `note` called by the query itself: a promise tells a moment later, when the next may have been answered. */
function noteAnswer(query: PendingQuery, note: Note): void {
  note.query = query
  const { callback } = query
  if (typeof callback !== 'function') return
  query.callback = function (this: unknown, error, ...rest) {
    note(error)
    return callback.call(this, error, ...rest)
  }
}

function withCallback(
  args: readonly unknown[],
  note: Note,
  end: Pick<StatementTrace, 'succeeded' | 'failed'>,
): unknown[] {
  const followed = [...args]
  const last = followed.length - 1
  const callback = followed[last]
  const answered =
    (callback: Callback): Callback =>
    (error, ...rest) => {
      note(error)
      if (error) end.failed(error)
      else end.succeeded(rowCountOf(rest[0]))
      return callback(error, ...rest)
    }
  const { callback: own } = (followed[0] ?? {}) as { callback?: unknown }
  if (typeof callback === 'function') followed[last] = answered(callback as Callback)
  else if (typeof own === 'function')
    followed[0] = { ...(followed[0] as object), callback: answered(own as Callback) }
  return followed
}

/** Of a cursor, a stream or a COPY the end is what node-postgres tells it. It lasts as long as it is open. */
function followSubmittable(
  query: Followable,
  note: Note,
  end: Pick<StatementTrace, 'succeeded' | 'failed'>,
): void {
  let rows: number | undefined
  const { handleCommandComplete, handleDataRow, handleError, handleReadyForQuery } = query
  note.query = query as PendingQuery
  if (handleDataRow !== undefined)
    query.handleDataRow = (...given) => {
      rows = (rows ?? 0) + 1
      return handleDataRow.apply(query, given)
    }
  if (handleCommandComplete !== undefined)
    query.handleCommandComplete = (message, ...rest) => {
      const [, copied] = COPIED.exec(message.text ?? '') ?? []
      if (copied !== undefined) rows = Number(copied)
      return handleCommandComplete.call(query, message, ...rest)
    }
  if (handleReadyForQuery !== undefined)
    query.handleReadyForQuery = (...given) => {
      note(undefined)
      end.succeeded(rows)
      return handleReadyForQuery.apply(query, given)
    }
  if (handleError !== undefined)
    query.handleError = (error, ...rest) => {
      note(error)
      end.failed(error)
      return handleError.call(query, error, ...rest)
    }
}
