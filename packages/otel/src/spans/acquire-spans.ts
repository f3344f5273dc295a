import diagnostics from 'node:diagnostics_channel'
import { systemClock } from '@connmgr/core/driver'
import type { SeriesAttributes } from '@connmgr/metrics'
import { type Context, context, SpanStatusCode, type Tracer } from '@opentelemetry/api'
import { failureAttributes } from './failure-attributes.js'

/** What messages of `connmgr:pool:acquire` say. */
interface AcquireMessage {
  readonly manager?: number
  readonly endpoint?: string
  readonly error?: unknown
}

interface Begun {
  readonly caller: Context
  readonly startTime: number
  readonly at: number
}

/** A shorter wait is not worth a span. */
export const NOTICEABLE_MS = 1

const acquires = diagnostics.tracingChannel<string, AcquireMessage>('connmgr:pool:acquire')

/**
 * Makes spans of what callers wait for a connection that they hold themselves. What a statement waits for the connection that
 * it runs on is in its own span.
 *
 * @param isForStatement whether the connection that is asked for now is for a single statement
 */
export class AcquireSpans {
  readonly #manager: number
  readonly #attributes: SeriesAttributes
  readonly #tracer: Tracer
  readonly #isForStatement: () => boolean
  readonly #begun = new WeakMap<AcquireMessage, Begun>()

  constructor(
    manager: number,
    attributes: SeriesAttributes,
    tracer: Tracer,
    isForStatement: () => boolean,
  ) {
    this.#manager = manager
    this.#attributes = attributes
    this.#tracer = tracer
    this.#isForStatement = isForStatement
  }

  /** Returns the function that ends it. */
  listen(): () => void {
    acquires.start.subscribe(this.#onStart)
    acquires.asyncEnd.subscribe(this.#onEnd)
    return () => {
      acquires.start.unsubscribe(this.#onStart)
      acquires.asyncEnd.unsubscribe(this.#onEnd)
    }
  }

  readonly #onStart = (given: unknown): void => {
    const message = given as AcquireMessage
    if (message.manager !== this.#manager || this.#isForStatement()) return
    this.#begun.set(message, {
      caller: context.active(),
      startTime: systemClock.wallTime(),
      at: systemClock.now(),
    })
  }

  readonly #onEnd = (given: unknown): void => {
    const message = given as AcquireMessage
    const begun = this.#begun.get(message)
    if (begun === undefined) return
    const { at, caller, startTime } = begun
    const { endpoint, error } = message
    const waitedMs = systemClock.now() - at
    if (error === undefined && waitedMs < NOTICEABLE_MS) return
    const attributes =
      endpoint === undefined ? this.#attributes.pool : this.#attributes.endpoint(endpoint)
    const span = this.#tracer.startSpan(
      'acquire',
      { startTime, attributes: { ...attributes } },
      caller,
    )
    if (error !== undefined) {
      span.setAttributes(failureAttributes(error, ''))
      span.setStatus({ code: SpanStatusCode.ERROR })
    }
    span.end(startTime + waitedMs)
  }
}
