import { setTimeout as delay } from 'node:timers/promises'
import type { Application } from './application.js'
import { ROWS } from './tables.js'

/** Asks an application for its endpoints, at random moments, without waiting for answers. */
export class Load {
  readonly #application: Application
  readonly #perSecond: number
  readonly #open = new Set<Promise<void>>()
  readonly #choices: readonly string[]
  #asked = 0
  /** Answers by endpoint. */
  readonly answers = new Map<string, number>()
  readonly failures: string[] = []

  constructor(application: Application, perSecond: number) {
    this.#application = application
    this.#perSecond = perSecond
    this.#choices = application.endpoints.flatMap(({ path, weight }) =>
      Array.from({ length: weight }, () => path),
    )
  }

  async run(durationMs: number): Promise<void> {
    const endAt = performance.now() + durationMs
    for (let dueAt = performance.now(); dueAt < endAt; ) {
      const asking = this.#ask().finally(() => this.#open.delete(asking))
      this.#open.add(asking)
      // As independent users come: the pauses between them are exponential.
      dueAt += (-Math.log(1 - Math.random()) * 1000) / this.#perSecond
      await delay(Math.max(0, dueAt - performance.now()))
    }
    await Promise.all(this.#open)
  }

  async #ask(): Promise<void> {
    this.#asked += 1
    const n = this.#asked
    // Every endpoint once, then by weight.
    const path =
      this.#application.endpoints[n - 1]?.path ??
      (this.#choices[Math.floor(Math.random() * this.#choices.length)] as string)
    const authorization = `token-${(n % ROWS.sessions) + 1}`
    try {
      const response = await fetch(`${this.#application.url}${path}?n=${n}`, {
        headers: { authorization },
      })
      const body = await response.text()
      if (response.status !== 200) throw new Error(`${response.status} ${body}`)
      this.answers.set(path, (this.answers.get(path) ?? 0) + 1)
    } catch (error) {
      this.failures.push(`${path}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}
