import type { Probe } from '../driver/replication.js'
import type { Runtime } from '../runtime.js'
import { LoginProgress } from '../time/login-progress.js'

/** One question to a server that has not been answered yet, with the login that it takes, if any. */
export class Question {
  readonly #runtime: Runtime
  /** Time that had been lost to stalls when it was asked. */
  readonly #stalledBefore: number
  readonly abort = new AbortController()
  /** Of the login, if it takes one. */
  readonly progress = new LoginProgress()
  readonly askedAt: number
  /** The connection was opened for it, so that its failure is the server's. */
  readonly fresh: boolean
  /** Undefined during the login. */
  probe: Probe | undefined

  constructor(runtime: Runtime, fresh: boolean) {
    this.#runtime = runtime
    this.askedAt = runtime.clock.now()
    this.#stalledBefore = runtime.stall.stalledAt(this.askedAt)
    this.fresh = fresh
  }

  /** Time since it was asked, or its login was begun. */
  get ageMs(): number {
    return this.#runtime.clock.now() - this.askedAt
  }

  /** The same without what was lost to stalls. */
  get tookMs(): number {
    const { clock, stall } = this.#runtime
    const now = clock.now()
    return Math.max(0, now - this.askedAt - (stall.stalledAt(now) - this.#stalledBefore))
  }

  /** Whether its login is under way and comes forward. */
  get goesOn(): boolean {
    return this.fresh && this.progress.goesOn(this.ageMs)
  }

  drop(): void {
    this.abort.abort(new Error('the probe has been given up'))
    this.probe?.destroy()
  }
}
