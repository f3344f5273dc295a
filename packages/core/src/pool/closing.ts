import { PoolClosedError } from '../errors.js'
import type { LeaseReport } from '../vocabulary/lease-report.js'
import type { BudgetPlace } from './budget-place.js'
import type { CallerQueue } from './caller-queue.js'
import type { Connections } from './connections.js'
import type { Connector } from './connector.js'
import type { PoolContext } from './context.js'
import type { Drain } from './drain.js'
import type { Leases } from './leases.js'
import type { Retirement } from './retirement.js'

export interface ClosingParts<C extends object> {
  readonly budget: BudgetPlace<C>
  readonly connections: Connections<C>
  readonly connector: Connector<C>
  readonly drain: Drain
  readonly leases: Leases<C>
  readonly queue: CallerQueue<C>
  readonly retirement: Retirement<C>
}

/** The end of one pool: it serves the callers who have come, then closes what is left at the deadline. */
export class Closing<C extends object> {
  readonly #context: PoolContext<C>
  readonly #parts: ClosingParts<C>

  constructor(context: PoolContext<C>, parts: ClosingParts<C>) {
    this.#context = context
    this.#parts = parts
  }

  get isEmpty(): boolean {
    const { connections, queue } = this.#parts
    return connections.size === 0 && connections.opening === 0 && queue.size === 0
  }

  /** Closes what no caller waits for, from now on. */
  windDown(): void {
    if (!this.#parts.drain.windDown()) return
    this.#parts.connections.closeIdle('closed')
    this.lookWhetherEmpty()
  }

  close(drainTimeoutMs: number): Promise<void> {
    this.#context.runtime.events.turn(() => this.windDown())
    return this.#parts.drain.close(() => this.#close(drainTimeoutMs))
  }

  /** A caller has gone, or a connection, of a pool that winds down. It opens connections for waiting callers alone. */
  lookWhetherEmpty(): void {
    const { connector, drain, queue } = this.#parts
    if (queue.size > 0) return
    connector.abandonRunning('the pool is closing')
    if (!this.isEmpty) return
    drain.done()
    this.#context.observer.drained()
  }

  async #close(drainTimeoutMs: number): Promise<void> {
    const { endpoint } = this.#context
    const { clock, events, name } = this.#context.runtime
    const { budget, connector, drain, retirement } = this.#parts
    let stragglers: LeaseReport[] = []
    if (!this.isEmpty) {
      await drain.wait(drainTimeoutMs, () =>
        events.turn(() => {
          stragglers = this.#cutOff(drainTimeoutMs)
        }),
      )
    }
    drain.over = true
    connector.abandon('the pool is closed')
    await retirement.settled()
    budget.leave()
    events.emit({
      type: 'poolClosed',
      pool: name,
      endpoint: endpoint.id,
      durationMs: clock.now() - drain.begunAt,
      stragglers,
    })
  }

  /** Fails the callers who still wait and closes the connections of those who have one; returns who they are. */
  #cutOff(drainTimeoutMs: number): LeaseReport[] {
    const { connections, connector, drain, leases, queue } = this.#parts
    const stragglers = leases.holders()
    drain.over = true
    queue.failAll('closed', () => new PoolClosedError(this.#context.runtime.name, drainTimeoutMs))
    connector.abandonRunning('the pool is closed')
    connections.closeAll('closed')
    return stragglers
  }
}
