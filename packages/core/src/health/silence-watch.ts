import type { ManagedEndpoint } from '../cluster/managed-endpoint.js'
import { every } from '../process/ticks.js'
import type { Clock } from '../time/clock.js'
import type { StallMonitor } from '../time/stall.js'

export interface SilenceWatchContext<C extends object> {
  readonly clock: Clock
  readonly stall: StallMonitor
  readonly probe: (endpoint: ManagedEndpoint<C>) => Promise<unknown>
  /** Whether it is being probed now. */
  readonly probing: (endpoint: ManagedEndpoint<C>) => boolean
}

const TICK_MS = 1000

/**
 * Has a single server probed out of its turn, which comes once a minute, when statements run on it and nothing at all has
 * come from it for a while. It may be thinking; but if it is gone, whoever waits for it would wait for long.
 */
export class SilenceWatch<C extends object> {
  readonly #endpoint: ManagedEndpoint<C>
  readonly #context: SilenceWatchContext<C>
  #stop: (() => void) | undefined

  constructor(endpoint: ManagedEndpoint<C>, context: SilenceWatchContext<C>) {
    this.#endpoint = endpoint
    this.#context = context
  }

  start(): void {
    this.#stop ??= every(this.#context.clock, TICK_MS, () => {
      // A probe looks by itself at what else comes meanwhile.
      if (!this.#context.probing(this.#endpoint)) this.#look()
    })
  }

  stop(): void {
    this.#stop?.()
    this.#stop = undefined
  }

  #look(): void {
    const { clock, stall, probe } = this.#context
    const { server } = this.#endpoint.pool
    const now = clock.now() - stall.stalledMs
    // Asked in any case: what came before this tick says nothing at the next.
    const heard = server.receivedAny()
    const patienceMs = server.times.answerWithinMs(TICK_MS)
    if (server.overdue(now - patienceMs, now).length > 0 && !heard) void probe(this.#endpoint)
  }
}
