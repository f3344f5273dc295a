import { type ObservedManager, observerFailed } from './guarded-observers.js'
import type { QueryContext } from './query-context.js'

/** Hears of the statements of one manager. What it throws is emitted as `listenerFailed`. */
export interface QueryObserver {
  /**
   * A statement was called for: within that call, so that its stack leads to the caller and the stores of the caller's
   * asynchronous flow can be read. It delays the statement for as long as it takes.
   */
  readonly started?: (query: QueryContext) => void
  /** That call is about to return: what happens between {@link started} and this belongs to the statement alone. */
  readonly called?: (query: QueryContext) => void
  /** The same statement has ended; the same object tells how. */
  readonly ended?: (query: QueryContext) => void
}

type Moment = keyof QueryObserver
type Observe = (query: QueryContext) => void

/**
 * The observers of one manager's statements. They are called directly: a message on a channel of the process, which each of
 * its subscribers would have to compare with its own manager, takes several times as long.
 */
export class QueryObservers {
  /** Whether there are any. A field, as each statement reads it. */
  any = false
  readonly #manager: ObservedManager
  readonly #observers = new Set<QueryObserver>()
  #started: readonly Observe[] = []
  #called: readonly Observe[] = []
  #ended: readonly Observe[] = []

  constructor(manager: ObservedManager) {
    this.#manager = manager
  }

  /** Returns the function that ends it. */
  add(observer: QueryObserver): () => void {
    // A copy, so that one that is added twice is called and ended twice.
    const own = { ...observer }
    this.#observers.add(own)
    this.#change()
    return () => {
      if (this.#observers.delete(own)) this.#change()
    }
  }

  started(query: QueryContext): void {
    for (const observe of this.#started) observe(query)
  }

  called(query: QueryContext): void {
    for (const observe of this.#called) observe(query)
  }

  ended(query: QueryContext): void {
    for (const observe of this.#ended) observe(query)
  }

  /** The lists are replaced, never changed: an observer may end itself and others while all are being called. */
  #change(): void {
    this.any = this.#observers.size > 0
    this.#started = this.#guarded('started')
    this.#called = this.#guarded('called')
    this.#ended = this.#guarded('ended')
  }

  #guarded(moment: Moment): Observe[] {
    const all: Observe[] = []
    for (const each of this.#observers) {
      const observe = each[moment]
      if (observe === undefined) continue
      all.push((query) => {
        try {
          observe(query)
        } catch (error) {
          observerFailed(this.#manager, `queries threw in ${moment}`, error)
        }
      })
    }
    return all
  }
}
