import type { ManagedEndpoint } from '../cluster/managed-endpoint.js'
import type { Runtime } from '../runtime.js'
import { QueryTimeoutError } from '../statement-errors.js'
import type { TimerHandle } from '../time/clock.js'
import type { HealthMonitor } from './health-monitor.js'

const SHORTEST_TICK_MS = 10
const LONGEST_TICK_MS = 250
/** A statement is given up at most two ticks after its time. */
const TICKS = 10

export interface QueryWatchdogParts<C extends object> {
  readonly endpoints: readonly ManagedEndpoint<C>[]
  readonly monitor: HealthMonitor<C>
}

/**
 * Ends statements that run for longer than `queryTimeoutMs`, with their connections. If the server answers a probe, then
 * that one connection is at fault and no other; if not, the statement waits for the verdict on the server.
 *
 * It looks at all connections now and then, so that a statement itself costs nothing.
 */
export class QueryWatchdog<C extends object> {
  readonly #runtime: Runtime
  readonly #queryTimeoutMs: number
  readonly #tickMs: number
  readonly #parts: QueryWatchdogParts<C>
  readonly #checking = new Set<ManagedEndpoint<C>>()
  #timer: TimerHandle | undefined

  constructor(runtime: Runtime, queryTimeoutMs: number, parts: QueryWatchdogParts<C>) {
    this.#queryTimeoutMs = queryTimeoutMs
    this.#tickMs = Math.min(LONGEST_TICK_MS, Math.max(SHORTEST_TICK_MS, queryTimeoutMs / TICKS))
    this.#runtime = runtime
    this.#parts = parts
  }

  start(): void {
    if (this.#timer === undefined && Number.isFinite(this.#queryTimeoutMs)) this.#arm()
  }

  stop(): void {
    this.#runtime.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #arm(): void {
    this.#timer = this.#runtime.clock.setTimeout(() => {
      this.#arm()
      for (const endpoint of this.#parts.endpoints) void this.#look(endpoint)
    }, this.#tickMs)
  }

  async #look(endpoint: ManagedEndpoint<C>): Promise<void> {
    if (this.#overdue(endpoint).length === 0 || this.#checking.has(endpoint)) return
    this.#checking.add(endpoint)
    // Its state says the rest.
    await this.#parts.monitor.check(endpoint)
    this.#checking.delete(endpoint)
    if (endpoint.state === 'SUSPECT' || this.#timer === undefined) return
    for (const entry of this.#overdue(endpoint)) {
      const durationMs = this.#now() - entry.runningSince
      this.#runtime.events.emit({
        type: 'queryTimedOut',
        pool: this.#runtime.name,
        endpoint: endpoint.id,
        connectionId: entry.id,
        durationMs,
        query: this.#runtime.sql.statement(entry.activity?.lastQuery),
      })
      endpoint.pool.destroy(entry, new QueryTimeoutError(this.#queryTimeoutMs))
    }
  }

  #overdue(endpoint: ManagedEndpoint<C>) {
    return endpoint.pool.server.overdue(this.#now() - this.#queryTimeoutMs, this.#now())
  }

  /** Time in which the event loop stood still is no statement's fault. */
  #now(): number {
    return this.#runtime.clock.now() - this.#runtime.stall.stalledMs
  }
}
