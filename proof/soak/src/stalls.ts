/** The engine counts a stall from 250 ms on; how long it was, it knows to the interval of its timer, 100 ms. */
const SURELY_COUNTED_MS = 400
const UNCERTAINTY_MS = 100
const REMEMBERED = 100

/** Has the event loop stand still, as a long computation does, and knows when it did. */
export class Stalls {
  readonly #latest: { readonly from: number; readonly ms: number }[] = []
  #count = 0

  get count(): number {
    return this.#count
  }

  stall(ms: number): void {
    const from = performance.now()
    while (performance.now() - from < ms);
    this.#count += 1
    this.#latest.push({ from, ms })
    if (this.#latest.length > REMEMBERED) this.#latest.shift()
  }

  /** What the engine must at least have left out of a time that began then. */
  countedSince(moment: number): number {
    return this.#latest
      .filter(({ from, ms }) => from >= moment && ms >= SURELY_COUNTED_MS)
      .reduce((sum, { ms }) => sum + ms - UNCERTAINTY_MS, 0)
  }
}
