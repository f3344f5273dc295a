/** What must not happen to the process as a whole: uncaught errors, and warnings. */
export class Accidents {
  readonly reports: string[] = []
  #uncaught = 0
  #warnings = 0

  constructor() {
    process.on('uncaughtException', (error) => {
      this.#uncaught += 1
      this.#report('uncaught', error)
    })
    process.on('unhandledRejection', (reason) => {
      this.#uncaught += 1
      this.#report('unhandled', reason)
    })
    // Node warns of listeners that pile up; node-postgres warns of misuse.
    process.on('warning', (warning) => {
      this.#warnings += 1
      this.#report('warning', warning)
    })
  }

  get uncaught(): number {
    return this.#uncaught
  }

  get warnings(): number {
    return this.#warnings
  }

  #report(what: string, thrown: unknown): void {
    if (this.reports.length >= 20) return
    const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
    this.reports.push(`${what}: ${text}`)
  }
}
