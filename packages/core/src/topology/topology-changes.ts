import type { Cluster } from '../cluster/cluster.js'
import type { Router } from '../cluster/router.js'
import { stateIs } from '../cluster/states.js'
import type { Endpoint } from '../driver/contract.js'
import type { HealthMonitor } from '../health/health-monitor.js'
import type { Runtime } from '../runtime.js'
import type { EndpointSet } from './endpoint-set.js'
import type { Discovery } from './source.js'

/** Time that work on an endpoint has to finish once no source names it any more. */
const REMOVED_DRAIN_TIMEOUT_MS = 60_000

export interface TopologyChangesParts<C extends object> {
  readonly cluster: Cluster<C>
  readonly monitor: HealthMonitor<C>
  readonly router: Router<C>
  readonly set: EndpointSet<C>
}

/** Makes the endpoints of a manager those that a topology source names. */
export class TopologyChanges<C extends object> {
  readonly #runtime: Runtime
  readonly #parts: TopologyChangesParts<C>

  constructor(runtime: Runtime, parts: TopologyChangesParts<C>) {
    this.#runtime = runtime
    this.#parts = parts
  }

  /** The endpoints in service. */
  get present(): readonly Endpoint[] {
    return this.#parts.set.all.map((each) => each.endpoint)
  }

  /** Whether there is trouble: then the source is looked at more often. */
  get urgent(): boolean {
    return this.#parts.cluster.urgent
  }

  /** Follows a discovery, and looks at new endpoints at once. */
  follow({ endpoints, primary }: Discovery): void {
    const { cluster, monitor, router, set } = this.#parts
    const { writer } = cluster
    // What the servers say of themselves weighs more than what others say of them.
    const { added, removed } = set.apply(
      endpoints,
      (each) =>
        each.heldFor !== undefined ||
        (each === writer && (stateIs(each.state, 'expected') || each.state === 'SUSPECT')),
    )
    cluster.endpointsChanged()
    for (const each of removed) {
      router.adopt(each.pool.queue.extract(() => true))
      set.retire(each, REMOVED_DRAIN_TIMEOUT_MS)
    }
    if (added.length > 0 || removed.length > 0) {
      const { events, name } = this.#runtime
      events.emit({
        type: 'topologyChanged',
        pool: name,
        added: added.map((each) => each.id),
        removed: removed.map((each) => each.id),
      })
      if (monitor.started) for (const each of added) void monitor.check(each)
    }
    if (primary !== undefined && primary !== writer?.id && monitor.started)
      monitor.roundAfterTrouble()
  }
}
