import type { QueryContext } from '@connmgr/core'
import {
  type Attributes,
  type Context,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'

interface OpenTransaction {
  readonly id: number
  readonly span: Span
  /** The span that was active where it began. */
  readonly around: Span | undefined
}

const OUTCOME = 'connmgr.transaction.outcome'

/** The spans of transactions that are open, from the BEGIN of each to its end. A lease has one at a time. */
export class TransactionSpans {
  readonly #tracer: Tracer
  readonly #open = new Map<number, OpenTransaction>()

  constructor(tracer: Tracer) {
    this.#tracer = tracer
  }

  /** Its BEGIN has been answered. @param startTime of the call for it */
  began(query: QueryContext, caller: Context, startTime: number, attributes: Attributes): void {
    const { lease, transaction } = query
    if (lease === undefined || transaction === undefined) return
    this.#end(lease, 'abandoned')
    const span = this.#tracer.startSpan('transaction', { startTime, attributes }, caller)
    this.#open.set(lease, { id: transaction.id, span, around: trace.getSpan(caller) })
  }

  /**
   * Where the span of a statement belongs: below the transaction's, unless the caller has begun a span of its own within
   * that.
   */
  parentOf({ lease, transaction }: QueryContext, caller: Context): Context {
    const open = lease === undefined ? undefined : this.#open.get(lease)
    if (open === undefined || open.id !== transaction?.id) return caller
    return trace.getSpan(caller) === open.around ? trace.setSpan(caller, open.span) : caller
  }

  ended(lease: number | undefined, outcome: 'commit' | 'rollback', endTime: number): void {
    if (lease !== undefined) this.#end(lease, outcome, endTime)
  }

  /** A transaction that is still open is rolled back by the pool, or lost with its connection. */
  released(lease: number): void {
    this.#end(lease, 'abandoned')
  }

  close(): void {
    for (const lease of [...this.#open.keys()]) this.#end(lease, 'abandoned')
  }

  #end(lease: number, outcome: 'commit' | 'rollback' | 'abandoned', endTime?: number): void {
    const open = this.#open.get(lease)
    if (open === undefined) return
    this.#open.delete(lease)
    open.span.setAttribute(OUTCOME, outcome)
    if (outcome === 'abandoned') open.span.setStatus({ code: SpanStatusCode.ERROR })
    open.span.end(endTime)
  }
}
