import diagnostics from 'node:diagnostics_channel'
import type { ConnectionManager, QueryContext } from '@connmgr/core'
import { systemClock } from '@connmgr/core/driver'
import type { MeasuredManager, SeriesAttributes } from '@connmgr/metrics'
import {
  type Attributes,
  type Context,
  context,
  diag,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { AcquireSpans, NOTICEABLE_MS } from './acquire-spans.js'
import { failureAttributes } from './failure-attributes.js'
import { StatementTexts } from './statement-texts.js'
import { TransactionSpans } from './transaction-spans.js'

/** What spans need of a manager beyond what metrics do. Every manager has it. */
export type TracedManager = MeasuredManager & Pick<ConnectionManager<object>, 'fingerprint'>

interface Begun {
  /** Of the caller, whatever runs the statement later. */
  readonly caller: Context
  readonly startTime: number
}

const WAIT_TIME = 'connmgr.wait_time'
/** When a statement that has waited was sent. */
const SENT = 'connmgr.sent'
/** On the caller's span, of a statement whose own span another instrumentation makes. */
const WAITED = 'connmgr.waited'

const releases = diagnostics.channel('connmgr:pool:release')

let saidInstrumented = false

/**
 * Makes spans of what a manager's callers do: of each statement, of each transaction around its statements, and of a wait for a
 * connection. A span is made when what it is about has ended, with the time and the parent of its beginning, so that all is
 * known when a sampler is asked, and nothing is held by what takes long but the caller's context.
 */
export class ManagerSpans {
  readonly #manager: TracedManager
  readonly #attributes: SeriesAttributes
  readonly #tracer: Tracer
  readonly #texts: StatementTexts
  readonly #transactions: TransactionSpans
  readonly #begun = new WeakMap<QueryContext, Begun>()
  readonly #bases = new Map<string, Attributes>()
  /** The statement whose call is running: a connection that is asked for now is for it alone. */
  #calling: QueryContext | undefined

  constructor(manager: TracedManager, attributes: SeriesAttributes, tracer: Tracer) {
    this.#manager = manager
    this.#attributes = attributes
    this.#tracer = tracer
    this.#texts = new StatementTexts((sql) => manager.fingerprint(sql))
    this.#transactions = new TransactionSpans(tracer)
  }

  /** Returns the function that ends it. */
  listen(): () => void {
    const acquires = new AcquireSpans(
      this.#manager.id,
      this.#attributes,
      this.#tracer,
      () => this.#calling !== undefined,
    )
    const stops = [
      this.#manager.observeQueries({
        started: this.#onStarted,
        called: this.#onCalled,
        ended: this.#onEnded,
      }),
      acquires.listen(),
    ]
    releases.subscribe(this.#onRelease)
    return () => {
      for (const stop of stops) stop()
      releases.unsubscribe(this.#onRelease)
      this.#transactions.close()
    }
  }

  readonly #onStarted = (query: QueryContext): void => {
    this.#begun.set(query, { caller: context.active(), startTime: systemClock.wallTime() })
    this.#calling = query
  }

  readonly #onCalled = (query: QueryContext): void => {
    if (query === this.#calling) this.#calling = undefined
  }

  readonly #onRelease = (message: unknown): void => {
    const { lease, manager } = message as { manager?: number; lease?: number }
    if (manager === this.#manager.id && lease !== undefined) this.#transactions.released(lease)
  }

  readonly #onEnded = (query: QueryContext): void => {
    const begun = this.#begun.get(query)
    if (begun === undefined) return
    const { caller, startTime } = begun
    const { lease, runMs = 0, transaction, waitMs = 0 } = query
    const sentTime = startTime + waitMs
    const endTime = sentTime + runMs
    const base = this.#baseOf(query)
    const boundary = transaction?.boundary
    if (boundary === 'begin') this.#transactions.began(query, caller, startTime, base)
    if (query.instrumented === true) this.#leaveToOther(query, caller, sentTime)
    else {
      const parent = this.#transactions.parentOf(query, caller)
      this.#makeSpan(query, parent, { base, startTime, sentTime, endTime })
    }
    if (boundary === 'commit' || boundary === 'rollback')
      this.#transactions.ended(lease, boundary, endTime)
  }

  #makeSpan(
    query: QueryContext,
    parent: Context,
    at: { base: Attributes; startTime: number; sentTime: number; endTime: number },
  ): void {
    const { database, error, transaction, waitMs = 0 } = query
    const { base, endTime, sentTime, startTime } = at
    const { summary, text } = this.#texts.of(query.text, database)
    // The conventions want no operation that is parsed out of SQL: this one is known otherwise.
    const operation = transaction?.boundary?.toUpperCase()
    const name = summary || operation || base['db.namespace'] || database
    const span = this.#tracer.startSpan(
      String(name),
      {
        kind: SpanKind.CLIENT,
        startTime,
        attributes: {
          ...base,
          ...(operation === undefined ? {} : { 'db.operation.name': operation }),
          ...(summary === '' ? {} : { 'db.query.summary': summary }),
          ...(text === '' ? {} : { 'db.query.text': text }),
          ...(error === undefined ? {} : failureAttributes(error, database)),
          [WAIT_TIME]: waitMs / 1000,
        },
      },
      parent,
    )
    if (waitMs >= NOTICEABLE_MS) span.addEvent(SENT, sentTime)
    if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end(endTime)
  }

  /** Another instrumentation makes the span of the statement, without knowing what it has waited for. */
  #leaveToOther({ database, waitMs = 0 }: QueryContext, caller: Context, sentTime: number): void {
    if (!saidInstrumented) {
      saidInstrumented = true
      diag.info(
        `connmgr: the client of ${database} is instrumented already, so its statements get no second span; disable that instrumentation to have connmgr's`,
      )
    }
    if (waitMs >= NOTICEABLE_MS)
      trace.getSpan(caller)?.addEvent(WAITED, { [WAIT_TIME]: waitMs / 1000 }, sentTime)
  }

  /** What all spans of one server have in common. */
  #baseOf({ database, endpoint }: QueryContext): Attributes {
    const key = endpoint ?? ''
    let base = this.#bases.get(key)
    if (base === undefined) {
      const server =
        endpoint === undefined ? this.#attributes.pool : this.#attributes.endpoint(endpoint)
      const namespace = endpoint === undefined ? undefined : namespaceOf(endpoint)
      base = {
        'db.system.name': database,
        ...(namespace === undefined ? {} : { 'db.namespace': namespace }),
        ...server,
      }
      this.#bases.set(key, base)
    }
    return base
  }
}

/** The database of `host:port/database`; of a file, its path. */
function namespaceOf(endpoint: string): string | undefined {
  const [, database] = /:\d+\/([^/]+)$/.exec(endpoint) ?? []
  return database ?? (/:\d+$/.test(endpoint) ? undefined : endpoint)
}
