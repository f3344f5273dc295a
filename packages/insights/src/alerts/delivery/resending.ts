import type { Alert } from '../alert.js'

interface Sent {
  alert: Alert
  sentAtMs: number
  readonly resolvedAtMs: number | undefined
}

const MOST_KEPT = 1000

/**
 * Knows which alerts a receiver must be told again. Alertmanager forgets alerts when it restarts, and takes those that are
 * no longer sent for resolved.
 */
export class Resending {
  readonly #everyMs: number
  readonly #resolvedForMs: number
  readonly #sent = new Map<string, Sent>()

  /** @param everyMs 0 for never */
  constructor(everyMs: number, resolvedForMs: number) {
    this.#everyMs = everyMs
    this.#resolvedForMs = resolvedForMs
  }

  note(alert: Alert, nowMs: number): void {
    if (this.#everyMs === 0) return
    this.#sent.delete(alert.key)
    if (this.#sent.size >= MOST_KEPT) this.#sent.delete(this.#sent.keys().next().value as string)
    const resolvedAtMs = alert.status === 'resolved' ? nowMs : undefined
    this.#sent.set(alert.key, { alert, sentAtMs: nowMs, resolvedAtMs })
  }

  /** @param refresh an alert that still fires, as it is now */
  due(nowMs: number, refresh: (key: string) => Alert | undefined): Alert[] {
    const due: Alert[] = []
    for (const [key, sent] of this.#sent) {
      const { resolvedAtMs } = sent
      if (resolvedAtMs !== undefined && nowMs - resolvedAtMs > this.#resolvedForMs)
        this.#sent.delete(key)
      else if (nowMs - sent.sentAtMs >= this.#everyMs) {
        sent.sentAtMs = nowMs
        if (resolvedAtMs === undefined) sent.alert = refresh(key) ?? sent.alert
        due.push(sent.alert)
      }
    }
    return due
  }
}
