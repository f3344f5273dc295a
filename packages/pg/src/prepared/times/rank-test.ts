/**
 * Whether one kind of run takes longer than another, by the ranks of their times alone: a stratified rank sum test
 * (Wilcoxon, Mann and Whitney; van Elteren). Each stratum is compared within itself, so that it does not matter how busy the
 * machine was from one to the next, and of a time that is a thousand times the usual it only matters that it is longer.
 *
 * It keeps three numbers, and two of them add up to one.
 */
export class RankTest {
  #strata = 0
  #excess = 0
  #variance = 0

  get strata(): number {
    return this.#strata
  }

  /** Adds what was measured at about the same time. Evidence is that `slow` takes longer than `fast`. */
  add(fast: ArrayLike<number>, slow: ArrayLike<number>): void {
    const pairs = fast.length * slow.length
    if (pairs === 0) return
    let above = 0
    for (let at = 0; at < slow.length; at += 1)
      for (let other = 0; other < fast.length; other += 1)
        above += order(slow[at] as number, fast[other] as number)
    this.#strata += 1
    this.#excess += above - pairs / 2
    this.#variance += (pairs / 12) * tiedSize(fast, slow)
  }

  merge(other: RankTest): void {
    this.#strata += other.#strata
    this.#excess += other.#excess
    this.#variance += other.#variance
  }

  /**
   * How many standard deviations the ranks are above those that chance would give, which has a mean of 0 and a deviation of 1
   * where both kinds take the same time, whatever the distribution of these times.
   */
  get z(): number {
    return this.#variance > 0 ? this.#excess / Math.sqrt(this.#variance) : 0
  }
}

/** Equal times count half. */
function order(one: number, other: number): number {
  if (one === other) return 0.5
  return one > other ? 1 : 0
}

/** The size of a stratum and one, less what equal times take away of the variance. */
function tiedSize(fast: ArrayLike<number>, slow: ArrayLike<number>): number {
  const size = fast.length + slow.length
  const counts = new Map<number, number>()
  for (const times of [fast, slow])
    for (let at = 0; at < times.length; at += 1) {
      const time = times[at] as number
      counts.set(time, (counts.get(time) ?? 0) + 1)
    }
  let tied = 0
  for (const count of counts.values()) tied += count ** 3 - count
  return size < 2 ? 0 : size + 1 - tied / (size * (size - 1))
}
