import { FailoverFailedError } from '../errors.js'
import type { Target } from '../vocabulary/target.js'
import type { ClusterContext } from './carry-out.js'
import type { Cluster } from './cluster.js'
import { ClusterController } from './controller.js'
import type { ManagedEndpoint } from './managed-endpoint.js'
import type { FailoverKnobs } from './options.js'
import { successorOf } from './reducer/operator.js'
import { reduce } from './reducer/reduce.js'
import { select, serves } from './selection.js'

/** A cluster of several endpoints, of which one takes writes: callers are moved when that is another one. */
export class FailoverCluster<C extends object> extends ClusterController<C> implements Cluster<C> {
  constructor(
    endpoints: readonly ManagedEndpoint<C>[],
    mode: Cluster<C>['mode'],
    knobs: FailoverKnobs,
    context: ClusterContext<C>,
  ) {
    const { history, runtime } = context
    const { name } = runtime
    super(endpoints, mode, { kind: mode, name, knobs, history }, reduce, context)
  }

  pick(target: Target): ManagedEndpoint<C> | undefined {
    return select(this.endpoints, target, this.writer)
  }

  reader(accepts: (endpoint: ManagedEndpoint<C>) => boolean): ManagedEndpoint<C> | undefined {
    return select(this.endpoints.filter(accepts), 'standby', undefined)
  }

  serves(endpoint: ManagedEndpoint<C>, target: Target): boolean {
    return serves(endpoint, target, this.writer)
  }

  /**
   * Moves to another endpoint on request. With replication the servers decide who is the primary, so this follows
   * them at once rather than waiting for the next round.
   */
  async failover(to?: string): Promise<void> {
    await this.monitor?.round()
    const wanted = to === undefined ? undefined : this.#find(to).id
    const successor = successorOf(this.view, this.rules, wanted)
    if (successor !== undefined) this.feed({ type: 'requested', id: successor })
  }

  async reset(): Promise<void> {
    this.feed({ type: 'resetBegun' })
    await this.monitor?.round()
    this.feed({ type: 'resetEnded' })
  }

  quarantine(id: string, reason: string): void {
    this.feed({ type: 'held', id: this.#find(id).id, reason })
  }

  async unquarantine(id: string): Promise<void> {
    const endpoint = this.#find(id)
    if (endpoint.heldFor === undefined) return
    this.feed({ type: 'released', id: endpoint.id })
    await this.monitor?.check(endpoint)
    this.feed({ type: 'reviewed', reason: 'released by an operator' })
  }

  #find(id: string): ManagedEndpoint<C> {
    const found = this.endpoints.find(
      (each) => each.id === id || `${each.endpoint.host}:${each.endpoint.port}` === id,
    )
    if (found !== undefined) return found
    const known = this.endpoints.map((each) => each.id).join(', ')
    throw new FailoverFailedError(`there is no endpoint "${id}"; there are ${known}`)
  }
}
