import type { Endpoint } from '../driver/contract.js'
import type { LeakTracking } from '../leaks/leak-detector.js'
import type { Runtime } from '../runtime.js'
import type { PoolCounts } from '../vocabulary/counts.js'
import { AcquireRequest, type Lent } from './acquire-request.js'
import { PoolAssembly } from './assembly.js'
import type { CallerQueue } from './caller-queue.js'
import type { ConnectionPool, PoolSize } from './connection-pool.js'
import type { Connections } from './connections.js'
import { type PoolConfig, PoolContext } from './context.js'
import type { PoolEntry } from './entry.js'
import type { Fitness } from './fitness.js'
import type { Leases } from './leases.js'
import type { Lending } from './lending.js'
import type { PooledProbes } from './pooled-probes.js'
import type { ServerChange } from './server-change.js'
import type { ServerView } from './server-view.js'
import type { Sizing } from './sizing.js'

/**
 * The connections of one endpoint. Each of its parts holds one idea, and only {@link Connections} moves an entry between
 * states:
 *
 * - an acquire begins here and takes an idle connection to `Lending`, or else joins the `CallerQueue`; for the queue,
 *   `Lending` has idle connections tested (`Testing`) and others opened (`Opening`), which all pass `Admission`
 * - a release begins in `Returning` and goes on to `Lending`, or by way of the `Cleaner` to `Admission`
 * - news of the server begin in `ServerView`
 *
 * What callers, drivers and timers start is a turn of the event emitter, so that its events are delivered when it is
 * over. What other parts of the engine ask for is none: it is part of theirs, and its events wait for the end of that.
 */
export class Pool<C extends object> implements ConnectionPool<C> {
  readonly endpoint: Endpoint
  readonly leases: Leases<C>
  readonly probes: PooledProbes<C>
  readonly queue: CallerQueue<C>
  readonly server: ServerView<C>
  readonly #runtime: Runtime
  readonly #config: PoolConfig<C>
  readonly #parts: PoolAssembly<C>
  // Of these parts, the ones that each acquire uses.
  readonly #connections: Connections<C>
  readonly #fitness: Fitness<C>
  readonly #lending: Lending<C>
  readonly #sizing: Sizing<C>

  constructor(runtime: Runtime, config: PoolConfig<C>, leaks: LeakTracking) {
    const parts = new PoolAssembly(new PoolContext(runtime, config), leaks)
    this.endpoint = config.endpoint
    this.leases = parts.leases
    this.probes = parts.probes
    this.queue = parts.queue
    this.server = parts.server
    this.#runtime = runtime
    this.#config = config
    this.#parts = parts
    this.#connections = parts.connections
    this.#fitness = parts.fitness
    this.#lending = parts.lending
    this.#sizing = parts.sizing
  }

  get counts(): PoolCounts {
    return this.#parts.counts
  }

  get size(): number {
    return this.#sizing.poolSize
  }

  get load(): number {
    return this.leases.size + this.queue.size
  }

  get isEmpty(): boolean {
    return this.#parts.closing.isEmpty
  }

  acquire(request: AcquireRequest): Lent<C> {
    const { queue } = this
    const refusal = queue.refuse(request)
    if (refusal !== undefined) return refusal
    const { clock, stall } = this.#runtime
    const now = clock.now()
    stall.look(now)
    const owner = queue.identify(request, now)
    let untested: PoolEntry<C> | undefined
    if (queue.size === 0 && !queue.suspended) {
      const entry = this.#connections.takeIdle(now)
      if (entry !== undefined) {
        if (!this.#fitness.needsTest(entry, now)) return this.#lending.lend(entry, owner, now, now)
        untested = entry
      }
    }
    if (queue.isFull) return queue.refuseAsFull()
    const waiter = queue.createWaiter(request, now, owner)
    queue.push(waiter)
    if (untested !== undefined) this.#parts.testing.test(untested)
    // While all are lent there is nothing to start: the next connection that comes back serves the queue.
    if (this.#connections.size < this.#sizing.limit || this.#connections.idle.size > 0)
      this.#lending.supply()
    return waiter.promise
  }

  serverChanged(change: ServerChange): void {
    this.server.changed(change)
  }

  suspectAll(): void {
    this.#connections.suspectAll()
  }

  evict(connectionId: number): boolean {
    const found = this.#connections.evict(connectionId)
    if (found) this.#parts.supply()
    return found
  }

  clear(reason: string): void {
    this.server.clear(reason)
  }

  reclaim(leaseId: number): boolean {
    const lease = this.leases.find(leaseId)
    if (lease === undefined) return false
    this.#connections.close(lease.entry, 'reclaimed')
    this.#parts.slotChanged()
    return true
  }

  destroy(entry: PoolEntry<C>, error: Error): void {
    this.#connections.close(entry, 'query-timeout', error)
    this.#parts.slotChanged()
  }

  destroyAll(reason: string): void {
    this.server.destroyAll(reason)
  }

  resize(size: PoolSize): void {
    const { poolSize = this.#sizing.poolSize, maxOverflow = this.#sizing.maxOverflow } = size
    this.#sizing.poolSize = poolSize
    this.#sizing.maxOverflow = maxOverflow
    const { endpoint } = this
    const { events, name } = this.#runtime
    events.emit({ type: 'poolResized', pool: name, endpoint: endpoint.id, poolSize, maxOverflow })
    for (const entry of this.#connections.idle) {
      if (this.#connections.size <= poolSize) break
      this.#connections.close(entry, 'overflow')
    }
    this.#parts.supply()
  }

  async warmUp(count = this.#sizing.poolSize): Promise<void> {
    const wanted = Math.min(count, this.#sizing.limit)
    const { acquireTimeoutMs } = this.#config.options
    const request = new AcquireRequest({ label: 'warmUp' }, 'any', this.warmUp, acquireTimeoutMs)
    // Holding them all at once is what makes them all be opened.
    const leases = await Promise.allSettled(
      Array.from({ length: wanted }, () => this.acquire(request)),
    )
    for (const lease of leases) if (lease.status === 'fulfilled') lease.value.release()
    // They were held for as long as it took to open them all, which says nothing about the callers to come.
    this.leases.usualHeldMs = Number.NaN
    const failed = leases.find((lease) => lease.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  get needsCare(): boolean {
    return this.#connections.size > 0 || this.queue.size > 0 || this.#sizing.minIdle > 0
  }

  maintain(): void {
    if (this.#parts.drain.begun || !this.needsCare) return
    this.#runtime.events.turn(() => this.#parts.housekeeping.maintain())
  }

  windDown(): void {
    this.#parts.closing.windDown()
  }

  close(drainTimeoutMs: number): Promise<void> {
    return this.#parts.closing.close(drainTimeoutMs)
  }
}
