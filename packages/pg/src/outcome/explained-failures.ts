import type { Client } from 'pg'
import type { Catalog } from '../catalog/catalog.js'
import {
  type ClientInternals,
  internalsOf,
  type PendingQuery,
  type ServerMessage,
} from '../client-internals.js'
import { isShared, textOf } from '../given-query.js'
import { endsSession, isUnresolved, stageAtEnd } from './evidence.js'
import { failureOf, type InFlight, lossOf, statusOf } from './in-flight.js'

/** What is known of the server of a client. */
interface Known {
  readonly catalog: Catalog | undefined
}

/** Has each query of one client fail with an error that says what the failure means for it. */
export class ExplainedFailures {
  readonly #internals: ClientInternals
  readonly #known: Known

  constructor(client: Client, known: Known) {
    this.#internals = internalsOf(client)
    this.#known = known
    this.#explainLosses(client)
  }

  /** The server, or a proxy in front of it, has answered with an error. */
  answered(error: Error & ServerMessage): void {
    const query = this.#internals._activeQuery
    if (!query) return
    const status = statusOf(this.#internals)
    if (endsSession(error)) this.#explain(query, stageAtEnd(query, error), status, lossOf)
    else if (isUnresolved(error)) this.#explain(query, 'sent', status, failureOf)
  }

  /**
   * When a connection is lost, node-postgres fails all its queries with the same error. What that means differs: those that
   * wait were not sent; of those behind the first, which only a pipeline has, it is not known whether they would have run
   * in the transaction of that.
   */
  #explainLosses(client: Client): void {
    const { _errorAllQueries: errorAll } = this.#internals as {
      _errorAllQueries?: (error: unknown) => void
    }
    if (errorAll === undefined) return
    const explainAll = (error: unknown): void => {
      const { _activeQuery, _queryQueue = [], _sentQueryQueue = [] } = this.#internals
      if (_activeQuery) this.#explain(_activeQuery, 'sent', statusOf(this.#internals), lossOf)
      for (const query of _sentQueryQueue) this.#explain(query, 'sent', undefined, lossOf)
      for (const query of _queryQueue) this.#explain(query, 'unsent', undefined, lossOf)
      errorAll.call(client, error)
    }
    Object.assign(this.#internals, { _errorAllQueries: explainAll })
  }

  /** Has the next error of a query say what it means. Those that are shared see to that themselves. */
  #explain(
    query: PendingQuery,
    stage: InFlight['stage'],
    status: InFlight['status'],
    meaning: (statement: InFlight, error: ServerMessage) => unknown,
  ): void {
    if (isShared(query) || query.handleError === undefined) return
    const { handleError } = query
    const { catalog } = this.#known
    const statement = { text: textOf(query), stage, status, catalog }
    const explained: typeof handleError = (error, connection) => {
      query.handleError = handleError
      handleError.call(query, meaning(statement, error as ServerMessage), connection)
    }
    Object.assign(query, { handleError: explained })
  }
}
