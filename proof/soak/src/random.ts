/** A generator whose numbers follow from its seed alone (mulberry32). */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** From 0 up to, but not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number; both ends are possible. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1))
  }

  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.next() * list.length)] as T
  }

  /** One of a list that is not empty, the heavier the likelier. */
  weigh<T extends { readonly weight: number }>(list: readonly T[]): T {
    let rest = this.next() * list.reduce((sum, each) => sum + each.weight, 0)
    for (const each of list) {
      rest -= each.weight
      if (rest < 0) return each
    }
    return list.at(-1) as T
  }

  /** A generator of its own for one part of the program, so that what it draws does not depend on who draws meanwhile. */
  fork(): Random {
    return new Random(this.between(0, 2 ** 31 - 1))
  }
}
