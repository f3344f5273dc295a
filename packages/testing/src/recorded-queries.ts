import { AsyncLocalStorage } from 'node:async_hooks'
import diagnostics from 'node:diagnostics_channel'
import type { QueryContext } from '@connmgr/core'

/** One statement as a subscriber sees it. */
export interface RecordedQuery extends QueryContext {
  /** Names of the messages about it, in order. */
  readonly messages: readonly string[]
  /** What the stack was at its start. */
  readonly stack: string
  /** The flow in which it started; see {@link RecordedQueries.inFlow}. */
  readonly flow: string | undefined
}

/** The statements that were published on `connmgr:query` since it was made. */
export class RecordedQueries {
  readonly #stop: () => void
  readonly #byContext = new Map<
    object,
    { messages: string[]; stack: string; flow: string | undefined }
  >()
  readonly #flows = new AsyncLocalStorage<string>()

  /** @param wanted which to record; @default all */
  constructor(wanted: (query: QueryContext) => boolean = () => true) {
    const channel = diagnostics.tracingChannel<string, QueryContext>('connmgr:query')
    const recorded = (message: string) => (context: unknown) => {
      if (!wanted(context as QueryContext)) return
      const known = this.#byContext.get(context as object) ?? {
        messages: [],
        stack: new Error('started here').stack ?? '',
        flow: this.#flows.getStore(),
      }
      known.messages.push(message)
      this.#byContext.set(context as object, known)
    }
    const subscribers = {
      start: recorded('start'),
      end: recorded('end'),
      asyncStart: recorded('asyncStart'),
      asyncEnd: recorded('asyncEnd'),
      error: recorded('error'),
    }
    channel.subscribe(subscribers)
    this.#stop = () => channel.unsubscribe(subscribers)
  }

  /** In the order in which they were called for. */
  get all(): RecordedQuery[] {
    return [...this.#byContext].map(([context, { flow, messages, stack }]) => ({
      ...(context as QueryContext),
      messages: [...messages],
      stack,
      flow,
    }))
  }

  /** Runs `work` as a flow of its own, which sets its statements apart from others. */
  inFlow<T>(name: string, work: () => T): T {
    return this.#flows.run(name, work)
  }

  get texts(): string[] {
    return this.all.map(({ text }) => text)
  }

  clear(): void {
    this.#byContext.clear()
  }

  stop(): void {
    this.#stop()
  }
}
