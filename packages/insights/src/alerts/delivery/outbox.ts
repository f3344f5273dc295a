import type { Alert } from '../alert.js'

/**
 * What a sink has still to get: of each alert its newest state alone, oldest change first, and no more than a limit.
 */
export class Outbox {
  readonly #limit: number
  readonly #waiting = new Map<string, Alert>()
  /** Alerts that must go alone, as a delivery with them was refused. */
  readonly #alone = new Set<string>()
  /** Alerts that were left out, as there was no room. */
  dropped = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Makes room by leaving out the oldest that is resolved, else the oldest. */
  put(alert: Alert): void {
    // An alert that waits keeps its place.
    if (!this.#waiting.has(alert.key) && this.#waiting.size >= this.#limit) {
      const oldest =
        [...this.#waiting.values()].find(({ status }) => status === 'resolved') ??
        (this.#waiting.values().next().value as Alert)
      this.#forget(oldest)
      this.dropped += 1
    }
    this.#waiting.set(alert.key, alert)
  }

  /** The next to deliver. They stay until {@link settle}. */
  peek(most: number): Alert[] {
    const next: Alert[] = []
    for (const alert of this.#waiting.values()) {
      const alone = this.#alone.has(alert.key)
      if (alone && next.length > 0) break
      next.push(alert)
      if (alone || next.length >= most) break
    }
    return next
  }

  /** They were delivered, or never can be. What has become of an alert meanwhile stays to be delivered. */
  settle(alerts: readonly Alert[]): void {
    for (const alert of alerts) if (this.#waiting.get(alert.key) === alert) this.#forget(alert)
  }

  /** Has each of these delivered by itself, to find out which it is that is refused. */
  separate(alerts: readonly Alert[]): void {
    for (const { key } of alerts) this.#alone.add(key)
  }

  #forget({ key }: Alert): void {
    this.#waiting.delete(key)
    this.#alone.delete(key)
  }
}
