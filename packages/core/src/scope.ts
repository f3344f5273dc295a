import { AsyncLocalStorage } from 'node:async_hooks'

/** A value that holds for some work, and for how long. */
interface Holding<V> {
  readonly value: V
  /** Of the work around. */
  readonly outer: Holding<V> | undefined
  ended: boolean
}

/**
 * Values that hold in the asynchronous flow of some work until the promise of that work has settled. The flow itself has no
 * end: a timer, a listener or a singleton made by the work stays in it for good, though it is the work's no longer.
 *
 * Work that returns no promise, such as the `next` of a middleware, does not tell its end; there the value holds for all
 * that it has started.
 */
export class Scope<V> {
  // Made on first use: a process that never asks for it pays nothing for asynchronous tracking.
  #storage: AsyncLocalStorage<Holding<V>> | undefined

  /** The value of the running flow, if there is one. */
  get current(): V | undefined {
    return this.#current?.value
  }

  run<T>(value: V, work: () => T): T {
    this.#storage ??= new AsyncLocalStorage()
    const holding = { value, outer: this.#current, ended: false }
    const end = (): void => {
      holding.ended = true
    }
    let result: T
    try {
      result = this.#storage.run(holding, work)
    } catch (error) {
      end()
      throw error
    }
    // Not what only looks like one: a query of an ORM may begin when it is asked for its result.
    return isPlainPromise(result) ? (result.finally(end) as T) : result
  }

  get #current(): Holding<V> | undefined {
    let holding = this.#storage?.getStore()
    while (holding?.ended === true) holding = holding.outer
    return holding
  }
}

function isPlainPromise(value: unknown): value is Promise<unknown> {
  return value instanceof Promise && value.constructor === Promise
}
