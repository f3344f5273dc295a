/** The calls of DuckDB that one connection has under way. */
export class RunningCalls {
  readonly #running = new Set<object>()
  #onIdle: (() => void)[] = []

  /** The one that has run for longest; undefined if there is none. */
  get first(): object | undefined {
    return this.#running.values().next().value
  }

  /** Counts a call as under way until its promise settles. */
  async during<T>(call: () => Promise<T>): Promise<T> {
    this.#running.add(call)
    try {
      return await call()
    } finally {
      this.#running.delete(call)
      if (this.#running.size === 0) for (const resolve of this.#onIdle.splice(0)) resolve()
    }
  }

  /** Resolves once no call is under way. */
  idle(): Promise<void> {
    return this.#running.size === 0
      ? Promise.resolve()
      : new Promise((resolve) => this.#onIdle.push(resolve))
  }
}
