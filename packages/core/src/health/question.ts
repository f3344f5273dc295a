import type { Probe } from '../driver/contract.js'
import { LoginProgress } from '../time/login-progress.js'

/** What was asked and has not been answered yet. */
export class Question {
  readonly abort = new AbortController()
  /** Of the login, if it takes one. */
  readonly progress = new LoginProgress()
  probe: Probe | undefined

  constructor(
    readonly askedAt: number,
    /** Time that had been lost to stalls by then. */
    readonly stalledBefore: number,
    /** The connection was opened for it, so that its failure is the server's. */
    readonly fresh: boolean,
  ) {}

  drop(): void {
    this.abort.abort(new Error('the probe has been given up'))
    this.probe?.destroy()
  }
}
