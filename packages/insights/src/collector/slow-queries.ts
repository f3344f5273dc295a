import type { SlowQuery } from '../snapshot.js'
import type { Running } from './running.js'

/** Samples that are kept: the slowest of each fingerprint, and the latest. */
const MOST_SAMPLES = 100
const PER_FINGERPRINT = 3

/** Samples of slow statements, without values. */
export class SlowQueries {
  readonly #boundMs: number
  #samples: SlowQuery[] = []

  constructor(boundMs: number) {
    this.#boundMs = boundMs
  }

  /** @param at milliseconds since the Unix epoch */
  add(running: Running, runMs: number, at: number): void {
    if (runMs < this.#boundMs) return
    const { context, likelyPath, text } = running
    const { fingerprint } = text
    const same = this.#samples.filter((each) => each.fingerprint === fingerprint.id)
    if (same.length >= PER_FINGERPRINT) {
      const fastest = same.reduce((a, b) => (b.runMs < a.runMs ? b : a))
      if (fastest.runMs >= runMs) return
      this.#samples = this.#samples.filter((each) => each !== fastest)
    } else if (this.#samples.length >= MOST_SAMPLES) this.#samples.shift()
    this.#samples.push({
      fingerprint: fingerprint.id,
      text: fingerprint.text,
      site: likelyPath.site,
      tags: text.tags,
      waitMs: context.waitMs ?? 0,
      runMs,
      rowCount: context.rowCount,
      error: codeOf(context.error),
      endpoint: context.endpoint,
      at,
    })
  }

  /** Slowest first. */
  list(): SlowQuery[] {
    return [...this.#samples].sort((a, b) => b.runMs - a.runMs)
  }

  clear(): void {
    this.#samples = []
  }
}

/** Never the message: it may quote values. */
function codeOf(error: unknown): string | undefined {
  if (error === undefined) return undefined
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown }
  if (typeof code === 'string' || typeof code === 'number') return String(code)
  return typeof name === 'string' ? name : 'Error'
}
