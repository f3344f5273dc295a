import { type FaultProxy, type ProxyTarget, startFaultProxy } from '@connmgr/testing'
import { now } from './now.js'
import { Stalls } from './stalls.js'

const POLL_MS = 2

/** What one round of a scenario works with, whatever the database. All that it starts is ended with the round. */
export class RoundContext {
  readonly failures: string[] = []
  readonly stalls = new Stalls()
  /** What was done last, for the report on a round that hangs. */
  lastStep = 'nothing yet'
  readonly #cleanups: (() => Promise<unknown>)[] = []
  readonly #show: (line: string) => void
  readonly #startedAt = now()

  constructor(show: (line: string) => void) {
    this.#show = show
  }

  /** Tells where the scenario is. */
  step(what: string): void {
    this.lastStep = what
    this.#show(`${((now() - this.#startedAt) / 1000).toFixed(2).padStart(7)} s  ${what}`)
  }

  /** Notes what does not hold; the scenario goes on. */
  expect(holds: boolean, failure: string): void {
    if (holds) return
    this.failures.push(failure)
    this.#show(`          FAILED ${failure}`)
  }

  /** To be done at the end of the round; the latest first. */
  defer(cleanup: () => Promise<unknown>): void {
    this.#cleanups.push(cleanup)
  }

  async proxy(target: ProxyTarget): Promise<FaultProxy> {
    const proxy = await startFaultProxy({ target })
    this.defer(() => proxy.close())
    return proxy
  }

  /** Waits until something that comes true by itself holds. */
  async until(
    condition: () => boolean | Promise<boolean>,
    what: string,
    withinMs = 20_000,
  ): Promise<void> {
    this.lastStep = `waiting until ${what}`
    const deadline = now() + withinMs
    while (!(await condition())) {
      if (now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`)
      await this.sleep(POLL_MS)
    }
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms))
  }

  /** Ends everything. Never rejects: what cannot be ended is noted. */
  async cleanUp(): Promise<void> {
    this.stalls.stop()
    for (const cleanup of this.#cleanups.splice(0).reverse()) {
      await cleanup().catch((error: unknown) => {
        this.expect(false, `cleaning up failed: ${error instanceof Error ? error.message : error}`)
      })
    }
  }
}
