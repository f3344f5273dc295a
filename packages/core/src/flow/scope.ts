import { AsyncLocalStorage } from 'node:async_hooks'

/** A value that holds for some work, and for how long. */
interface Holding {
  readonly scope: object
  readonly value: unknown
  /** Of the work around, whatever its scope. */
  readonly outer: Holding | undefined
  ended: boolean
}

/**
 * One for all scopes, as each that there is makes every promise of the process dearer. Made on first use: a process that
 * never asks for it pays nothing for asynchronous tracking.
 */
let storage: AsyncLocalStorage<Holding> | undefined

/**
 * Values that hold in the asynchronous flow of some work until the promise of that work has settled. The flow itself has no
 * end: a timer, a listener or a singleton made by the work stays in it for good, though it is the work's no longer.
 *
 * Work that returns no promise, such as the `next` of a middleware, does not tell its end; there the value holds for all
 * that it has started.
 */
export class Scope<V> {
  /** The value of the running flow, if there is one. */
  get current(): V | undefined {
    let holding = present()
    while (holding !== undefined && holding.scope !== this) holding = going(holding.outer)
    return holding?.value as V | undefined
  }

  run<T>(value: V, work: () => T): T {
    storage ??= new AsyncLocalStorage()
    const holding: Holding = { scope: this, value, outer: present(), ended: false }
    const end = (): void => {
      holding.ended = true
    }
    let result: T
    try {
      result = storage.run(holding, work)
    } catch (error) {
      end()
      throw error
    }
    // Not what only looks like one: a query of an ORM may begin when it is asked for its result.
    return isPlainPromise(result) ? (result.finally(end) as T) : result
  }

  /**
   * Has the value hold from here on in the running flow and all that it starts, until the returned function is called. For
   * flows that begin with an event rather than a call, such as a request that has come in.
   */
  enter(value: V): () => void {
    storage ??= new AsyncLocalStorage()
    const holding: Holding = { scope: this, value, outer: present(), ended: false }
    storage.enterWith(holding)
    return () => {
      holding.ended = true
    }
  }
}

function present(): Holding | undefined {
  return going(storage?.getStore())
}

/** The first that has not ended. */
function going(from: Holding | undefined): Holding | undefined {
  let holding = from
  while (holding?.ended === true) holding = holding.outer
  return holding
}

function isPlainPromise(value: unknown): value is Promise<unknown> {
  return value instanceof Promise && value.constructor === Promise
}
