/** Counts what is under way and shows in no pool: units of work between two attempts, reads that wait for a standby. */
export class Pending {
  readonly #onNone: () => void
  #count = 0

  constructor(onNone: () => void) {
    this.#onNone = onNone
  }

  get none(): boolean {
    return this.#count === 0
  }

  /** `work` itself, counted until it settles. */
  track<T>(work: Promise<T>): Promise<T> {
    this.#count += 1
    const ended = (): void => {
      this.#count -= 1
      if (this.#count === 0) this.#onNone()
    }
    work.then(ended, ended)
    return work
  }
}
