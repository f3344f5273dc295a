/**
 * Remembers which servers were seen to become the primary after another. Where histories do not show promotions, that
 * is what tells an old primary that comes back from a new one.
 */
export class Promotions {
  /** Servers that were standbys when last seen. */
  readonly #standbys = new Set<string>()
  /** Servers that were primaries when last seen, by endpoint, and their names, if they have any. */
  readonly #primaries = new Map<string, string | undefined>()
  readonly #promoted = new Set<string>()
  readonly #superseded = new Set<string>()

  sawStandby(id: string): void {
    this.#standbys.add(id)
    this.#primaries.delete(id)
    this.#promoted.delete(id)
    // It follows another now: if it is promoted after that, it is ahead again.
    this.#superseded.delete(id)
  }

  sawPrimary(id: string, server: string | undefined): void {
    this.#primaries.set(id, server)
    if (!this.#standbys.delete(id)) return
    this.#promoted.add(id)
    for (const other of this.#primaries.keys()) this.succeeded(other, id)
  }

  /** Writes have moved, or will move, from one to the other. */
  succeeded(old: string, next: string): void {
    this.#superseded.delete(next)
    if (old === next) return
    const server = this.#primaries.get(old)
    // One server under two names does not succeed itself.
    if (server !== undefined && server === this.#primaries.get(next)) return
    this.#superseded.add(old)
    this.#promoted.delete(old)
  }

  /** Whether it was a standby, and then the primary, with no other after it. */
  promoted(id: string): boolean {
    return this.#promoted.has(id)
  }

  /** Whether another became the primary after it. */
  superseded(id: string): boolean {
    return this.#superseded.has(id)
  }

  reset(): void {
    this.#standbys.clear()
    this.#primaries.clear()
    this.#promoted.clear()
    this.#superseded.clear()
  }
}
