import { type Alert, alerts, type Insights } from '@connmgr/insights'
import type { PgConnectionManager } from '@connmgr/pg'

/** Something that was said of the application, though nothing is wrong with it. */
export interface Verdict {
  readonly of: 'recommendation' | 'n-plus-one' | 'held-idle' | 'alert'
  readonly about: string
  /** Seconds after the start. */
  readonly firstSeenAtS: number
  /** At how many looks it was there. */
  looks: number
  readonly detail: unknown
}

const LOOK_MS = 1000
const REFRESH_MS = 20_000

/** Looks at all verdicts again and again, as each may be there for a moment only. */
export class VerdictWatch {
  readonly #watched: Insights
  readonly #verdicts = new Map<string, Verdict>()
  readonly #alerts: ReturnType<typeof alerts>
  readonly #startedAt = performance.now()
  readonly #timers: NodeJS.Timeout[] = []
  looks = 0

  constructor(manager: PgConnectionManager, watched: Insights) {
    this.#watched = watched
    this.#alerts = alerts({
      managers: manager,
      insights: watched,
      sinks: [
        (sent) => {
          for (const each of sent) this.#alerted(each)
        },
      ],
      onProblem: (problem) => this.#see('alert', `problem ${problem.kind}`, problem),
    })
    this.#timers.push(
      setInterval(() => this.look(), LOOK_MS),
      setInterval(() => void this.#watched.refresh(), REFRESH_MS),
    )
  }

  get verdicts(): Verdict[] {
    return [...this.#verdicts.values()]
  }

  look(): void {
    this.looks += 1
    for (const each of this.#watched.recommendations())
      this.#see('recommendation', `${each.code}: ${each.title}`, each)
    for (const each of this.#watched.nPlusOne())
      this.#see('n-plus-one', `${each.text} at ${each.site.file}:${each.site.line}`, each)
    for (const each of this.#watched.heldIdle())
      this.#see('held-idle', `${each.site?.file}:${each.site?.line}`, each)
  }

  async end(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await this.#watched.refresh()
    this.look()
    await this.#alerts.close()
  }

  #alerted(alert: Alert): void {
    if (alert.status === 'firing') this.#see('alert', alert.annotations.summary ?? '', alert)
  }

  #see(of: Verdict['of'], about: string, detail: unknown): void {
    const key = `${of} ${about}`
    const known = this.#verdicts.get(key)
    // The latest detail says most.
    this.#verdicts.set(key, {
      of,
      about,
      firstSeenAtS: known?.firstSeenAtS ?? (performance.now() - this.#startedAt) / 1000,
      looks: (known?.looks ?? 0) + 1,
      detail,
    })
  }
}
