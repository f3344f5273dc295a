const SMALLEST = 64

/**
 * What is open, by its number. A Map takes a new table whenever as many have come and gone as it has room for, and V8 has
 * each table lead to the next: once one has become old, all that come after it do, with what they held at their end, until
 * the next full collection. Here all stays in one table, whose places are used again.
 */
export class OpenTable<T> {
  #numbers: number[] = new Array<number>(SMALLEST).fill(0)
  #values: (T | undefined)[] = new Array<T | undefined>(SMALLEST).fill(undefined)
  #size = 0

  get size(): number {
    return this.#size
  }

  get(number: number): T | undefined {
    return this.#values[this.#placeOf(number)]
  }

  set(number: number, value: T): void {
    if (2 * this.#size >= this.#values.length) this.#grow()
    const place = this.#placeOf(number)
    if (this.#values[place] === undefined) this.#size += 1
    this.#numbers[place] = number
    this.#values[place] = value
  }

  /** Returns what is removed. */
  remove(number: number): T | undefined {
    let free = this.#placeOf(number)
    const removed = this.#values[free]
    if (removed === undefined) return undefined
    this.#size -= 1
    this.#values[free] = undefined
    // Those behind it move up, unless they stand where they belong: a search ends at the first place that is free.
    const last = this.#values.length - 1
    for (let at = (free + 1) & last; this.#values[at] !== undefined; at = (at + 1) & last) {
      const first = (this.#numbers[at] as number) & last
      if (((at - first) & last) < ((at - free) & last)) continue
      this.#numbers[free] = this.#numbers[at] as number
      this.#values[free] = this.#values[at]
      this.#values[at] = undefined
      free = at
    }
    return removed
  }

  clear(): void {
    this.#values.fill(undefined)
    this.#size = 0
  }

  *values(): Iterable<T> {
    for (const value of this.#values) if (value !== undefined) yield value
  }

  *entries(): Iterable<readonly [number, T]> {
    for (const [place, value] of this.#values.entries())
      if (value !== undefined) yield [this.#numbers[place] as number, value]
  }

  /** Where a number is, or would be put. */
  #placeOf(number: number): number {
    const last = this.#values.length - 1
    let place = number & last
    while (this.#values[place] !== undefined && this.#numbers[place] !== number)
      place = (place + 1) & last
    return place
  }

  #grow(): void {
    const all = [...this.entries()]
    const length = 2 * this.#values.length
    this.#numbers = new Array<number>(length).fill(0)
    this.#values = new Array<T | undefined>(length).fill(undefined)
    this.#size = 0
    for (const [number, value] of all) this.set(number, value)
  }
}
