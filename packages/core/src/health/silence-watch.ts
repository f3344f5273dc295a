import type { ManagedEndpoint } from '../cluster/managed-endpoint.js'
import { every } from '../process/ticks.js'
import type { Runtime } from '../runtime.js'
import type { HealthMonitor } from './health-monitor.js'

const TICK_MS = 1000

/**
 * Has a single server probed out of its turn, which comes once a minute, when statements run on it and nothing at all has
 * come from it for a while. It may be thinking; but if it is gone, its callers would wait for long.
 */
export class SilenceWatch<C extends object> {
  readonly #runtime: Runtime
  readonly #endpoint: ManagedEndpoint<C>
  readonly #monitor: HealthMonitor<C>
  #stop: (() => void) | undefined

  constructor(runtime: Runtime, endpoint: ManagedEndpoint<C>, monitor: HealthMonitor<C>) {
    this.#runtime = runtime
    this.#endpoint = endpoint
    this.#monitor = monitor
  }

  start(): void {
    this.#stop ??= every(this.#runtime.clock, TICK_MS, () => {
      // A probe looks by itself at what else comes meanwhile.
      if (!this.#monitor.isChecking(this.#endpoint)) this.#look()
    })
  }

  stop(): void {
    this.#stop?.()
    this.#stop = undefined
  }

  #look(): void {
    const { clock, stall } = this.#runtime
    const { server } = this.#endpoint.pool
    const now = clock.now() - stall.stalledMs
    // Asked in any case: what came before this tick says nothing at the next.
    const answered = server.receivedAny()
    const patienceMs = server.times.answerWithinMs(TICK_MS)
    if (server.overdue(now - patienceMs, now).length > 0 && !answered)
      void this.#monitor.check(this.#endpoint)
  }
}
