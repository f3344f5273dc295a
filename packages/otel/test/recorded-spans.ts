import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Context,
  type ContextManager,
  context,
  ROOT_CONTEXT,
  type Span,
} from '@opentelemetry/api'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'

/** The context of asynchronous flows, as SDKs for Node set it up. */
class FlowContexts implements ContextManager {
  readonly #flows = new AsyncLocalStorage<Context>()

  active(): Context {
    return this.#flows.getStore() ?? ROOT_CONTEXT
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    active: Context,
    run: F,
    self?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#flows.run(active, () => run.apply(self, args))
  }

  bind<T>(active: Context, target: T): T {
    if (typeof target !== 'function') return target
    const bound = (...args: unknown[]): unknown => this.#flows.run(active, () => target(...args))
    return bound as T
  }

  enable(): this {
    return this
  }

  disable(): this {
    return this
  }
}

/** Sets up what a program has once its SDK for Node has started. */
export function useFlowContexts(): void {
  context.setGlobalContextManager(new FlowContexts())
}

/** A provider of the real SDK, and the spans that have ended. */
export class RecordedSpans {
  readonly #exporter = new InMemorySpanExporter()
  readonly provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(this.#exporter)],
  })

  get all(): ReadableSpan[] {
    return this.#exporter.getFinishedSpans()
  }

  /** Those that connmgr has made, in the order in which they have ended. */
  get ours(): ReadableSpan[] {
    return this.all.filter(
      ({ instrumentationScope }) => instrumentationScope.name === '@connmgr/otel',
    )
  }

  get statements(): ReadableSpan[] {
    return this.ours.filter(({ attributes }) => 'connmgr.wait_time' in attributes)
  }

  named(name: string): ReadableSpan[] {
    return this.ours.filter((span) => span.name === name)
  }

  /** Runs `work` within a span of the application's own. */
  async within<T>(name: string, work: (span: Span) => Promise<T>): Promise<T> {
    return this.provider.getTracer('app').startActiveSpan(name, async (span) => {
      try {
        return await work(span)
      } finally {
        span.end()
      }
    })
  }

  /** The span around another. */
  parentOf(span: ReadableSpan | undefined): ReadableSpan | undefined {
    const id = span?.parentSpanContext?.spanId
    return this.all.find((each) => each.spanContext().spanId === id)
  }

  clear(): void {
    this.#exporter.reset()
  }
}

/** From its start to its end, in milliseconds. */
export function durationOf({ duration: [seconds, nanos] }: ReadableSpan): number {
  return seconds * 1000 + nanos / 1e6
}
