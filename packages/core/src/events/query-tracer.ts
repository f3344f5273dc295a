import type { StatementTrace, StatementTracer } from '../driver/statement-trace.js'
import { isTraced, queryChannel } from './channels.js'
import { beginQuery, type TracedManager, takeHandedOver } from './query-trace.js'

/** See {@link StatementTracer}. */
export class QueryTracer implements StatementTracer {
  readonly #manager: TracedManager
  readonly #endpoint: string | undefined

  /** @param endpoint where all its statements run, if that is known before they have a connection */
  constructor(manager: TracedManager, endpoint?: string) {
    this.#manager = manager
    this.#endpoint = endpoint
  }

  /** The same for the connections of one endpoint. */
  at(endpoint: string): QueryTracer {
    return new QueryTracer(this.#manager, endpoint)
  }

  get active(): boolean {
    return this.#manager.observers.any || isTraced(queryChannel)
  }

  begin(text: string | undefined): StatementTrace {
    const trace = takeHandedOver() ?? beginQuery(this.#manager, text)
    if (this.#endpoint !== undefined) trace.on({ endpoint: this.#endpoint })
    return trace
  }
}
