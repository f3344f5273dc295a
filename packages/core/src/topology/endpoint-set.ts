import type { ManagedEndpoint } from '../cluster/managed-endpoint.js'
import type { Endpoint } from '../driver/contract.js'
import type { ConnectionPool } from '../pool/connection-pool.js'
import { type MeasuredPool, PoolTotals } from '../pool/metrics.js'
import { PoolMeasures } from '../pool/pool-measures.js'
import { bounded } from '../time/bounded.js'
import type { Deadlines } from '../time/deadlines.js'

/** What became of a set of endpoints. */
export interface EndpointChange<C extends object> {
  readonly added: readonly ManagedEndpoint<C>[]
  readonly removed: readonly ManagedEndpoint<C>[]
}

const NO_COUNTS = {
  total: 0,
  idle: 0,
  inUse: 0,
  testing: 0,
  cleaning: 0,
  connecting: 0,
  waiting: 0,
  overflow: 0,
  limit: 0,
} as const

/** The endpoints of a manager, which may come and go. */
export class EndpointSet<C extends object> {
  /** Those in service, the preferred one first. Always the same array, so that others may hold it. */
  readonly all: ManagedEndpoint<C>[] = []
  /** Their pools, likewise. */
  readonly pools: ConnectionPool<C>[] = []
  readonly #deadlines: Deadlines
  readonly #create: (endpoint: Endpoint, order: number) => ManagedEndpoint<C>
  readonly #byEndpoint = new WeakMap<Endpoint, ManagedEndpoint<C>>()
  /** Those that no longer belong to it, until their last lease has ended. */
  readonly #leaving = new Map<ManagedEndpoint<C>, Promise<void>>()
  /** What the pools did that are gone. */
  readonly #gone = new PoolTotals()
  readonly #measuresGone = new PoolMeasures(0)
  #leaksGone = 0

  constructor(
    deadlines: Deadlines,
    create: (endpoint: Endpoint, order: number) => ManagedEndpoint<C>,
  ) {
    this.#deadlines = deadlines
    this.#create = create
  }

  of(endpoint: Endpoint): ManagedEndpoint<C> {
    return this.#byEndpoint.get(endpoint) as ManagedEndpoint<C>
  }

  /** Makes it these endpoints, and those of the present ones that are to be kept all the same. */
  apply(
    wanted: readonly Endpoint[],
    keep: (endpoint: ManagedEndpoint<C>) => boolean = () => false,
  ): EndpointChange<C> {
    const present = new Map(this.all.map((each) => [each.id, each]))
    const added: ManagedEndpoint<C>[] = []
    const next = new Map<string, ManagedEndpoint<C>>()
    for (const endpoint of wanted) {
      if (next.has(endpoint.id)) continue
      const known = present.get(endpoint.id)
      const managed = known ?? this.#create(endpoint, next.size)
      if (known === undefined) {
        this.#byEndpoint.set(endpoint, managed)
        added.push(managed)
      }
      next.set(endpoint.id, managed)
    }
    const dropped = this.all.filter((each) => !next.has(each.id))
    for (const each of next.values()) each.named = true
    for (const each of dropped) {
      each.named = false
      if (keep(each)) next.set(each.id, each)
    }
    const all = [...next.values()]
    all.forEach((each, order) => {
      each.order = order
    })
    this.all.splice(0, this.all.length, ...all)
    this.pools.splice(0, this.pools.length, ...all.map((each) => each.pool))
    return { added, removed: dropped.filter((each) => !next.has(each.id)) }
  }

  /** Lets those who have a connection to an endpoint finish, and closes it. Its waiters must have left. */
  retire(endpoint: ManagedEndpoint<C>, drainTimeoutMs: number): void {
    endpoint.prober.stop()
    const { pool } = endpoint
    const closed = pool.close(drainTimeoutMs).then(() => {
      this.#leaving.delete(endpoint)
      for (const key of Object.keys(this.#gone) as (keyof PoolTotals)[])
        this.#gone[key] += pool.leases.totals[key]
      this.#measuresGone.add(pool.leases.measures)
      this.#leaksGone += pool.leases.leakCounts.detected
    })
    this.#leaving.set(endpoint, closed)
  }

  /** Those in service, and those that still have leases out. */
  get withLeases(): readonly ManagedEndpoint<C>[] {
    return this.#leaving.size === 0 ? this.all : [...this.all, ...this.#leaving.keys()]
  }

  /** Every pool there is and was, for figures that do not shrink; or those of one endpoint. */
  measure(inService: (endpoint: ManagedEndpoint<C>) => boolean, id?: string): MeasuredPool[] {
    const chosen =
      id === undefined ? this.withLeases : this.withLeases.filter((each) => each.id === id)
    const living = chosen.map(
      (each): MeasuredPool => ({
        counts: each.pool.counts,
        totals: each.pool.leases.totals,
        size: each.pool.size,
        leaks: each.pool.leases.leakCounts,
        inService: inService(each),
      }),
    )
    if (id !== undefined) return living
    return [
      ...living,
      {
        counts: NO_COUNTS,
        totals: this.#gone,
        size: 0,
        leaks: { detected: this.#leaksGone, active: 0 },
        inService: false,
      },
    ]
  }

  /** What the durations of every pool there is and was come to. */
  totalMeasures(): PoolMeasures {
    const total = new PoolMeasures(0)
    total.add(this.#measuresGone)
    for (const { pool } of this.withLeases) total.add(pool.leases.measures)
    return total
  }

  /** Closes all. Those that are leaving get no more time than the others. */
  async close(drainTimeoutMs: number): Promise<void> {
    for (const each of this.all) each.prober.stop()
    const left = Promise.all(this.#leaving.values())
    const leftInTime = bounded(
      this.#deadlines,
      drainTimeoutMs,
      left,
      () => new Error('drain timed out'),
    ).catch(() => {
      for (const each of this.#leaving.keys()) each.pool.destroyAll('the manager is closing')
    })
    await Promise.all([leftInTime, ...this.all.map((each) => each.pool.close(drainTimeoutMs))])
    await left
  }
}
