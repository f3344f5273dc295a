import type { Connections } from './connections.js'
import type { PoolContext } from './context.js'
import type { Fitness } from './fitness.js'
import type { Leases } from './leases.js'
import type { NextSteps } from './next-steps.js'
import type { Sizing } from './sizing.js'

/** For so long at the most an idle connection keeps the process running: the idle time-out of a pg.Pool by default. */
const LONGEST_IDLE_HOLD_MS = 10_000

export interface HousekeepingParts<C extends object> {
  readonly connections: Connections<C>
  readonly fitness: Fitness<C>
  readonly leases: Leases<C>
  readonly sizing: Sizing<C>
}

/** What a pool does now and then: closes connections whose time is over, finds leaks, and fills up the reserve. */
export class Housekeeping<C extends object> {
  readonly #context: PoolContext<C>
  readonly #parts: HousekeepingParts<C>
  readonly #next: Pick<NextSteps<C>, 'supply'>

  constructor(
    context: PoolContext<C>,
    parts: HousekeepingParts<C>,
    next: Pick<NextSteps<C>, 'supply'>,
  ) {
    this.#context = context
    this.#parts = parts
    this.#next = next
  }

  maintain(): void {
    const { connections, leases, sizing } = this.#parts
    const now = this.#context.runtime.clock.now()
    this.#tidyIdle(now)
    for (const lease of leases.scanForLeaks(sizing.limit)) connections.close(lease.entry, 'leaked')
    this.#next.supply()
  }

  #tidyIdle(now: number): void {
    const { connections, fitness, sizing } = this.#parts
    const { idleTimeoutMs } = this.#context.options
    const holdMs = Math.min(idleTimeoutMs, LONGEST_IDLE_HOLD_MS)
    for (const entry of connections.idle) {
      const idleMs = now - entry.idleSince
      const unfit = fitness.unfit(entry, now)
      if (unfit !== undefined) connections.close(entry, unfit)
      else if (idleMs >= idleTimeoutMs && connections.idle.size > sizing.minIdle)
        connections.close(entry, 'idle')
      else if (entry.holdsProcess && idleMs >= holdMs) connections.holdProcess(entry, false)
    }
  }
}
