/** Collects what does not hold in a history of a model, so that one look shows all of it. */
export class Violations {
  readonly #found: string[] = []

  add(what: string): void {
    this.#found.push(what)
  }

  equal<T>(what: string, actual: T, expected: T): void {
    if (actual !== expected) this.add(`${what} is ${actual}, should be ${expected}`)
  }

  /** Fails if anything was found. */
  assertNone(): void {
    if (this.#found.length > 0) throw new Error(this.#found.join('; '))
  }
}
