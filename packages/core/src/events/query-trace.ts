import type {
  StatementTrace,
  TracedConnection,
  TracedTransaction,
} from '../driver/statement-trace.js'
import type { SqlReports } from '../secrets/sql-reports.js'
import type { Clock } from '../time/clock.js'
import { isTraced, queryChannel } from './channels.js'
import type { OpenQueryContext, QueryContext } from './query-context.js'
import type { QueryObservers } from './query-observer.js'

/** What all statements of one manager have in common. */
export interface TracedManager {
  readonly id: number
  readonly name: string
  /** The driver's name. */
  readonly database: string
  readonly clock: Clock
  readonly sql: SqlReports
  readonly observers: QueryObservers
}

/** Handed over to the first statement that is begun before the running call returns. */
let handed: { readonly trace: QueryTrace; readonly entirely: boolean } | undefined

/** What the running call has handed over, if nothing has taken it yet. */
export function takeHandedOver(): StatementTrace | undefined {
  if (handed === undefined) return undefined
  const { entirely, trace } = handed
  handed = undefined
  trace.handedOver = !entirely
  return trace
}

/** A statement that begins. @param text SQL, without values */
export function beginQuery(manager: TracedManager, text: string | undefined): StatementTrace {
  const { clock, database, id, name, observers, sql } = manager
  const context = new TracedQuery(id, name, database, sql.traced(text), clock.now())
  return new QueryTrace(context, clock, observers)
}

/**
 * What is known of one statement. Of a class, as V8 then learns from the first few how many properties are added to each,
 * and leaves room for them.
 */
class TracedQuery implements QueryContext {
  declare readonly manager: number
  declare readonly pool: string
  declare readonly database: string
  declare readonly text: string
  declare readonly startedAt: number

  constructor(manager: number, pool: string, database: string, text: string, startedAt: number) {
    this.manager = manager
    this.pool = pool
    this.database = database
    this.text = text
    this.startedAt = startedAt
  }
}

/**
 * Fills in the context of one statement, publishes it and tells the manager's observers. Its fields are set by the constructor
 * for the reason given at `Waiter`.
 */
class QueryTrace implements StatementTrace {
  declare handedOver: boolean
  declare private readonly context: OpenQueryContext
  declare private readonly clock: Clock
  declare private readonly observers: QueryObservers
  declare started: boolean
  declare private sentAt: number | undefined
  declare private answeredAt: number | undefined
  declare private over: boolean

  constructor(context: OpenQueryContext, clock: Clock, observers: QueryObservers) {
    this.handedOver = false
    this.context = context
    this.clock = clock
    this.observers = observers
    this.started = false
    this.sentAt = undefined
    this.answeredAt = undefined
    this.over = false
  }

  run<T>(call: () => T): T {
    // By the call that has handed it over.
    if (this.started) return call()
    this.started = true
    const { end, start } = queryChannel
    if (!isTraced(queryChannel)) return this.#observed(call)
    const context: QueryContext = this.context
    return start.runStores(context, () => {
      try {
        return this.#observed(call)
      } finally {
        end.publish(context)
      }
    })
  }

  handOver<T>(call: () => T, entirely = false): T {
    handed = { trace: this, entirely }
    try {
      return call()
    } finally {
      if (handed?.trace === this) handed = undefined
    }
  }

  on({ connectionId, endpoint, instrumented, lease, processId }: TracedConnection): void {
    const context = this.context
    if (endpoint !== undefined) context.endpoint = endpoint
    if (connectionId !== undefined) context.connectionId = connectionId
    if (processId !== undefined) context.processId = processId
    if (lease !== undefined) context.lease = lease
    if (instrumented === true) context.instrumented = true
  }

  sent(at = this.clock.now()): void {
    this.sentAt = at
    this.answeredAt = undefined
  }

  answered(): void {
    this.answeredAt = this.clock.now()
  }

  prepared(): void {
    this.context.prepared = true
  }

  shared(): void {
    this.context.shared = true
  }

  inTransaction(transaction: TracedTransaction | undefined): void {
    const { context } = this
    if (transaction !== undefined) {
      const { boundary, id } = transaction
      context.transaction = boundary === undefined ? { id } : { id, boundary }
    } else if (context.transaction !== undefined) {
      // For V8, to delete what is not there is as slow as to delete it.
      delete context.transaction
    }
  }

  rows(count: number): void {
    this.context.rowCount = count
  }

  succeeded(rowCount: number | undefined): void {
    if (this.over) return
    if (rowCount !== undefined) this.context.rowCount = rowCount
    this.#end()
  }

  failed(error: unknown): void {
    if (this.over) return
    this.context.error = error
    queryChannel.error.publish(this.context)
    this.#end()
  }

  #observed<T>(call: () => T): T {
    const { context, observers } = this
    observers.started(context)
    try {
      return call()
    } catch (error) {
      this.failed(error)
      throw error
    } finally {
      observers.called(context)
    }
  }

  #end(): void {
    this.over = true
    const { clock, context, observers } = this
    const endedAt = this.answeredAt ?? clock.now()
    const sentAt = this.sentAt ?? endedAt
    context.waitMs = Math.max(0, sentAt - context.startedAt)
    context.runMs = Math.max(0, endedAt - sentAt)
    if (isTraced(queryChannel)) {
      queryChannel.asyncStart.publish(context)
      queryChannel.asyncEnd.publish(context)
    }
    observers.ended(context)
  }
}
