import { outside } from '../flow/outside.js'
import type { EventEmitter } from './emitter.js'
import { summarize } from './event-parts.js'
import { queryChannel } from './query-channel.js'
import type { QueryContext } from './query-context.js'

/** Hears of the statements of one manager. What it throws is emitted as `listenerFailed`. */
export interface QueryObserver {
  /**
   * A statement was called for: within that call, so that its stack leads to the caller and the stores of the caller's
   * asynchronous flow can be read. It delays the statement for as long as it takes.
   */
  readonly started?: (query: QueryContext) => void
  /** The same statement has ended; the same object tells how. */
  readonly ended?: (query: QueryContext) => void
}

/** Subscribes an observer to the statements of one manager; returns the function that ends it. */
export function observeQueries(
  manager: { readonly id: number; readonly name: string; readonly events: EventEmitter },
  { ended, started }: QueryObserver,
): () => void {
  const { events, id, name } = manager
  const guarded = (what: string, observe: (query: QueryContext) => void) => (message: unknown) => {
    const query = message as QueryContext
    if (query.manager !== id) return
    try {
      observe(query)
    } catch (error) {
      const reason = `an observer of queries threw in ${what}`
      outside(() =>
        events.emit({ type: 'listenerFailed', pool: name, reason, error: summarize(error) }),
      )
    }
  }
  const onStart = started && guarded('started', started)
  const onEnd = ended && guarded('ended', ended)
  const { asyncEnd, start } = queryChannel
  if (onStart !== undefined) start.subscribe(onStart)
  if (onEnd !== undefined) asyncEnd.subscribe(onEnd)
  return () => {
    if (onStart !== undefined) start.unsubscribe(onStart)
    if (onEnd !== undefined) asyncEnd.unsubscribe(onEnd)
  }
}
