import type { ClientInternals, ServerMessage } from '../client-internals.js'
import { isShared } from '../given-query.js'
import type { ConnectionStatements } from './connection-statements.js'
import { PLAN, type Plan, type PlannedQuery, unplan } from './planned-query.js'
import type { EndpointPreparing } from './preparing.js'
import type { Statement } from './statement-cache.js'

const NO_SUCH_STATEMENT = '26000'
const DUPLICATE_STATEMENT = '42P05'
const STALE_PLAN = '0A000'
const FINDS_STALE_PLAN = 'RevalidateCachedQuery'
/** Schemas, columns, operators, types: what the names in a statement lead to. */
const OF_NAMES = /^(?:42|3F)/
/** A value that is none of its type, and a number of values. */
const OF_VALUES = /^(?:22|08P01$)/

/**
 * Runs that the server refuses before they have begun. Where the reason may be what was prepared, and not what is asked,
 * that is used no more; outside of a transaction the query runs again unprepared.
 */
export class RefusedRuns {
  readonly #statements: ConnectionStatements
  readonly #endpoint: EndpointPreparing
  readonly #internals: ClientInternals

  constructor(
    statements: ConnectionStatements,
    endpoint: EndpointPreparing,
    internals: ClientInternals,
  ) {
    this.#statements = statements
    this.#endpoint = endpoint
    this.#internals = internals
  }

  /** The server has refused a run with an error. */
  refused(error: ServerMessage, query: PlannedQuery & { [PLAN]: Plan }): void {
    const how = query[PLAN]
    const { statement } = how
    const code = error.code ?? ''
    if (code === NO_SUCH_STATEMENT || code === DUPLICATE_STATEMENT) {
      // Behind one that the server could not prepare, the next of its name is unknown to it.
      const explained = code === NO_SUCH_STATEMENT && !how.reused
      if (!explained) {
        this.#statements.drop()
        this.#endpoint.unexplained(code)
      }
    } else if (!isOfMeaning(error) || !this.#mayBeOld(how, code)) return
    else if (OF_VALUES.test(code)) {
      if (how.status !== 'I') this.#statements.remove(statement)
    } else {
      this.#statements.remove(statement)
      this.#endpoint.outdate(statement)
    }
    how.refused = true
    if (how.status === 'I' && !isShared(query)) this.#runUnprepared(query, statement)
  }

  /** Whether what was refused may have been prepared before something changed. */
  #mayBeOld({ reused }: Plan, code: string): boolean {
    // By a pooler, for another of its clients. Without a name that it needs, no client can have prepared it.
    return reused || (this.#endpoint.isPooled && !OF_NAMES.test(code))
  }

  /** Sends a query again, before any other, that has not begun. */
  #runUnprepared(query: PlannedQuery, statement: Statement): void {
    this.#endpoint.shared.counts.retries += 1
    const own = Object.getOwnPropertyDescriptor(query, 'handleError')
    query.handleError = () => {
      if (own === undefined) delete query.handleError
      else Object.defineProperty(query, 'handleError', own)
      unplan(query)
      this.#invalidateIfDone(query, statement)
      this.#internals._queryQueue?.unshift(query)
    }
  }

  /** If an unprepared statement takes a value that the prepared one did not take, the types have changed. */
  #invalidateIfDone(query: PlannedQuery, statement: Statement): void {
    if (statement.gone) return
    const own = Object.getOwnPropertyDescriptor(query, 'handleReadyForQuery')
    query.handleReadyForQuery = (connection) => {
      if (own === undefined) delete query.handleReadyForQuery
      else Object.defineProperty(query, 'handleReadyForQuery', own)
      this.#statements.remove(statement)
      this.#endpoint.outdate(statement)
      query.handleReadyForQuery?.(connection)
    }
  }
}

/** Whether an error may be about what was prepared, and not about what is asked. */
function isOfMeaning({ code = '', routine }: ServerMessage): boolean {
  if (code === STALE_PLAN) return routine === FINDS_STALE_PLAN
  return OF_NAMES.test(code) || OF_VALUES.test(code)
}
