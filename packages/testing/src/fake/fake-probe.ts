import type { Clock, Endpoint } from '@connmgr/core'
import type { ConnectContext, Probe, ProbeResult } from '@connmgr/core/driver'
import type { FakeServer } from './fake-server.js'
import { FakeError, type FakeOutcome, play } from './outcome.js'

/** What a {@link FakeProbe} needs of its driver. */
export interface ProbeOwner {
  readonly clock: Clock
  /** Records the question and says what the script has for it. */
  readonly onCheck: () => FakeOutcome
  readonly onDestroy: () => void
}

/** A probe of the fake driver: it answers what the fields of its server say. */
export class FakeProbe implements Probe {
  readonly #endpoint: Endpoint
  readonly #server: FakeServer
  readonly #owner: ProbeOwner
  readonly #gone: Promise<never>
  #rejectGone!: (error: Error) => void
  #open = true
  readonly #leave: () => void

  constructor(
    endpoint: Endpoint,
    server: FakeServer,
    owner: ProbeOwner,
    onSignal: ConnectContext['onSignal'],
  ) {
    this.#endpoint = endpoint
    this.#server = server
    this.#owner = owner
    this.#gone = new Promise<never>((_resolve, reject) => {
      this.#rejectGone = reject
    })
    this.#gone.catch(() => {})
    this.#leave = server.addProbe((error) => {
      this.#end(error)
      onSignal({ kind: 'lost', error })
    })
  }

  check(signal: AbortSignal): Promise<ProbeResult> {
    const outcome = this.#owner.onCheck()
    if (!this.#open) return this.#gone
    if (signal.aborted) return Promise.reject(signal.reason)
    const interrupt = { signal, gone: this.#gone }
    return play(outcome, this.#owner.clock, interrupt)
      .then(() => play(this.#server.callOutcome, this.#owner.clock, interrupt))
      .then(() => this.#server.answer)
  }

  destroy(): void {
    this.#owner.onDestroy()
    this.#end(new FakeError('lost', `the probe of ${this.#endpoint.id} was destroyed`))
  }

  #end(error: Error): void {
    if (!this.#open) return
    this.#open = false
    this.#leave()
    this.#rejectGone(error)
  }
}
