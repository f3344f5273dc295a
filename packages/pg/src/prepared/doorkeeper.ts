/** Counters; a power of two. */
const SLOTS = 1 << 14
/** Uses after which all counts are halved, so that what was counted long ago fades. */
const HALVE_AFTER = SLOTS / 2
const MOST = 255

/**
 * Counts how often texts come, in memory that does not grow with their number or length: a flood of texts that come
 * once leaves nothing behind. Two texts may share a counter, so a count is at least the true one, and rarely above it.
 */
export class Doorkeeper {
  readonly #counts = new Uint8Array(2 * SLOTS)
  #uses = 0

  /** Counts a use of a text. Returns how often it has come of late, this time included. */
  count(text: string): number {
    this.#uses += 1
    if (this.#uses >= HALVE_AFTER) this.#halve()
    const hash = hashOf(text)
    const first = this.#increment(hash & (SLOTS - 1))
    const second = this.#increment(SLOTS + ((hash >>> 16) & (SLOTS - 1)))
    return Math.min(first, second)
  }

  #increment(slot: number): number {
    const count = Math.min(MOST, (this.#counts[slot] as number) + 1)
    this.#counts[slot] = count
    return count
  }

  #halve(): void {
    this.#uses = 0
    for (let slot = 0; slot < this.#counts.length; slot += 1)
      this.#counts[slot] = (this.#counts[slot] as number) >> 1
  }
}

/** FNV-1a over the code units, with its bits mixed at the end, as both halves are used. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1)
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return (hash ^ (hash >>> 13)) >>> 0
}
