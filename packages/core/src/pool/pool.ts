import type { Target } from '../cluster/states.js'
import type { Driver, Endpoint } from '../driver/contract.js'
import type { LeakTracking } from '../leaks/leak-detector.js'
import type { FunctionReference } from '../leaks/stack.js'
import { ResponseTimes } from '../time/response-times.js'
import { Admission } from './admission.js'
import { BudgetPlace } from './budget-place.js'
import { CallerQueue } from './caller-queue.js'
import { Cleaner } from './cleaner.js'
import { Closing } from './closing.js'
import type { ConnectionPool, PoolSize } from './connection-pool.js'
import { Connections } from './connections.js'
import { Connector } from './connector.js'
import { Drain } from './drain.js'
import type { PoolEntry } from './entry.js'
import type { PoolContext, PoolEnvironment } from './environment.js'
import { Fitness } from './fitness.js'
import { Housekeeping } from './housekeeping.js'
import type { Lease } from './lease.js'
import { Leases } from './leases.js'
import { Lending } from './lending.js'
import type { PoolCounts } from './metrics.js'
import type { NextSteps } from './next-steps.js'
import { Opening } from './opening.js'
import type { AcquireOptions, PoolOptions } from './options.js'
import { Pings } from './pings.js'
import { PooledProbes } from './pooled-probes.js'
import { Retirement } from './retirement.js'
import { Returning } from './returning.js'
import { RoleTrust } from './role-trust.js'
import type { ServerChange } from './server-change.js'
import { ServerView } from './server-view.js'
import { Signals } from './signals.js'
import { Sizing } from './sizing.js'
import { Testing } from './testing.js'

/**
 * The connections of one endpoint. This class wires the parts of a pool and begins what callers ask of it:
 *
 * - an acquire goes through `CallerQueue`, `Connections` and `Lending`, and where no connection is free on to `Opening` and
 *   `Admission`
 * - a release goes through `Returning` to `Lending`, or to the `Cleaner` and `Admission`
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
  readonly #context: PoolContext<C>
  readonly #closing: Closing<C>
  readonly #connections: Connections<C>
  readonly #drain: Drain
  readonly #fitness: Fitness<C>
  readonly #housekeeping: Housekeeping<C>
  readonly #lending: Lending<C>
  readonly #next: NextSteps<C>
  readonly #pings: Pings<C>
  readonly #sizing: Sizing<C>
  readonly #testing: Testing<C>

  constructor(
    endpoint: Endpoint,
    driver: Driver<C>,
    options: PoolOptions<C>,
    leaks: LeakTracking<C>,
    environment: PoolEnvironment,
  ) {
    const times = new ResponseTimes()
    const context: PoolContext<C> = { ...environment, endpoint, driver, options, times }
    const next: NextSteps<C> = {
      admit: (entry) => admission.admit(entry),
      supply: () => lending.supply(),
      slotChanged: () => {
        lending.supply()
        if (drain.begun) closing.lookWhetherEmpty()
      },
    }
    const drain = new Drain(environment)
    const sizing = new Sizing(options)
    const trust = new RoleTrust()
    const fitness = new Fitness(context, trust)
    const pings = new Pings(context)
    const cleaner = new Cleaner(context)
    const retirement = new Retirement(context)
    const leases = new Leases(context, leaks)
    const connections = new Connections(context, {
      fitness,
      leases,
      pings,
      retire: (entry, reason, error) => retirement.retire(entry, reason, error, budget.closing()),
    })
    const connector = new Connector(context, next.supply)
    const queue: CallerQueue<C> = new CallerQueue(
      context,
      { connector, drain, leases, sizing },
      {
        counts: () => this.counts,
        budgetUsedUp: () => budget.usedUp,
        onEnqueued: next.supply,
        onFailed: () => {
          if (drain.begun) closing.lookWhetherEmpty()
        },
      },
    )
    const budget: BudgetPlace<C> = new BudgetPlace(
      context,
      { connections, pings, queue, sizing },
      next,
    )
    const testing = new Testing(context, { connections, connector, pings, trust }, next)
    const shared = { budget, connections, connector, drain, fitness, leases, queue, sizing, trust }
    const probes = new PooledProbes(
      context,
      { ...shared, testing, open: (ahead) => opening.open(ahead) },
      next,
    )
    const signals = new Signals(context, connections, trust, next)
    const opening = new Opening(context, { ...shared, probes, signals }, next)
    const lending = new Lending(context, { ...shared, opening, pings, testing }, next)
    const admission = new Admission(context, { ...shared, lending, testing }, next)
    leases.home = new Returning(context, { ...shared, cleaner, lending, probes, testing }, next)
    const closing = new Closing(context, { ...shared, retirement })
    this.endpoint = endpoint
    this.leases = leases
    this.probes = probes
    this.queue = queue
    this.server = new ServerView(context, { ...shared, opening, pings }, next)
    this.#context = context
    this.#closing = closing
    this.#connections = connections
    this.#drain = drain
    this.#fitness = fitness
    this.#housekeeping = new Housekeeping(context, shared, next)
    this.#lending = lending
    this.#next = next
    this.#pings = pings
    this.#sizing = sizing
    this.#testing = testing
  }

  get counts(): PoolCounts {
    const { idle, opening, size: total } = this.#connections
    const inUse = this.leases.size
    const testing = this.#pings.size
    return {
      total,
      idle: idle.size,
      inUse,
      testing,
      cleaning: total - idle.size - inUse - testing,
      connecting: opening,
      waiting: this.queue.size,
      overflow: Math.max(0, total - this.#sizing.poolSize),
      limit: this.#sizing.limit,
    }
  }

  get size(): number {
    return this.#sizing.poolSize
  }

  get load(): number {
    return this.leases.size + this.queue.size
  }

  get isEmpty(): boolean {
    return this.#closing.isEmpty
  }

  acquire(options: AcquireOptions, target: Target, below: FunctionReference): Promise<Lease<C>> {
    const { queue } = this
    const refusal = queue.refuse(options)
    if (refusal !== undefined) return refusal
    const { clock, stall } = this.#context
    const now = clock.now()
    stall.look(now)
    const owner = queue.identify(options, below, now)
    let untested: PoolEntry<C> | undefined
    if (queue.size === 0 && !queue.suspended) {
      const entry = this.#connections.takeIdle(now)
      if (entry !== undefined) {
        if (!this.#fitness.needsTest(entry, now))
          return Promise.resolve(this.#lending.lend(entry, owner, now, now))
        untested = entry
      }
    }
    if (queue.isFull) return queue.refuseAsFull()
    const waiter = queue.createWaiter(options, target, below, now, owner)
    queue.push(waiter)
    if (untested !== undefined) this.#testing.test(untested)
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
    if (found) this.#next.supply()
    return found
  }

  clear(reason: string): void {
    this.server.clear(reason)
  }

  destroy(entry: PoolEntry<C>, error: Error): void {
    this.#connections.close(entry, 'query-timeout', error)
    this.#next.slotChanged()
  }

  destroyAll(reason: string): void {
    this.server.destroyAll(reason)
  }

  resize(size: PoolSize): void {
    const { poolSize = this.#sizing.poolSize, maxOverflow = this.#sizing.maxOverflow } = size
    this.#sizing.poolSize = poolSize
    this.#sizing.maxOverflow = maxOverflow
    const { endpoint, events, name } = this.#context
    events.emit({ type: 'poolResized', pool: name, endpoint: endpoint.id, poolSize, maxOverflow })
    for (const entry of this.#connections.idle) {
      if (this.#connections.size <= poolSize) break
      this.#connections.close(entry, 'overflow')
    }
    this.#next.supply()
  }

  async warmUp(count = this.#sizing.poolSize): Promise<void> {
    const wanted = Math.min(count, this.#sizing.limit)
    // Holding them all at once is what makes them all be opened.
    const leases = await Promise.allSettled(
      Array.from({ length: wanted }, () => this.acquire({ label: 'warmUp' }, 'any', this.warmUp)),
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
    if (this.#drain.begun || !this.needsCare) return
    this.#context.events.turn(() => this.#housekeeping.maintain())
  }

  windDown(): void {
    this.#closing.windDown()
  }

  close(drainTimeoutMs: number): Promise<void> {
    return this.#closing.close(drainTimeoutMs)
  }
}
