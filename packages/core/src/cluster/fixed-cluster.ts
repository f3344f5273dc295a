import { FailoverFailedError } from '../errors.js'
import type { Target } from '../vocabulary/target.js'
import type { ClusterContext } from './carry-out.js'
import type { Cluster } from './cluster.js'
import { ClusterController } from './controller.js'
import type { ManagedEndpoint } from './managed-endpoint.js'
import type { FailoverKnobs } from './options.js'
import { reduceFixed } from './reducer/reduce-fixed.js'
import { select } from './selection.js'
import { stateIs } from './states.js'

/**
 * Endpoints whose roles the configuration says, so that there is nothing to elect: a single server, which is used whatever
 * its role, since the caller named no other, or the writer and the readers of one file. Callers are sent to an endpoint also
 * while it is down: its pool serves them as soon as it is back.
 */
export class FixedCluster<C extends object> extends ClusterController<C> implements Cluster<C> {
  constructor(
    endpoints: readonly ManagedEndpoint<C>[],
    mode: Cluster<C>['mode'],
    knobs: FailoverKnobs,
    context: ClusterContext<C>,
  ) {
    const { history, runtime } = context
    const { name } = runtime
    super(endpoints, mode, { kind: 'fixed', name, knobs, history }, reduceFixed, context)
  }

  /** Always the same. */
  override get writer(): ManagedEndpoint<C> {
    return super.writer as ManagedEndpoint<C>
  }

  pick(target: Target): ManagedEndpoint<C> | undefined {
    const { writer } = this
    if (target === 'primary' || target === 'any') return writer
    const reader = this.reader(() => true) ?? this.endpoints.find((each) => each !== writer)
    if (target === 'standby') return reader ?? (this.serves(writer, target) ? writer : undefined)
    return reader !== undefined && !stateIs(reader.state, 'lost') ? reader : writer
  }

  reader(accepts: (endpoint: ManagedEndpoint<C>) => boolean): ManagedEndpoint<C> | undefined {
    const readers = this.endpoints.filter((each) => each !== this.writer && accepts(each))
    return select(readers, 'standby', undefined)
  }

  serves(endpoint: ManagedEndpoint<C>, target: Target): boolean {
    switch (target) {
      case 'primary':
        return endpoint === this.writer
      case 'standby':
        return endpoint.endpoint.role !== 'primary'
      case 'prefer-standby':
      case 'any':
        return true
    }
  }

  async failover(): Promise<void> {
    throw this.#noOther()
  }

  quarantine(): void {
    throw this.#noOther()
  }

  async unquarantine(id: string): Promise<void> {
    if (this.endpoints.some((each) => each.id === id)) return
    const known = this.endpoints.map((each) => each.id).join(', ')
    throw new FailoverFailedError(`there is no endpoint "${id}"; there are ${known}`)
  }

  async reset(): Promise<void> {
    this.feed({ type: 'resetBegun' })
    await this.monitor?.round()
    this.feed({ type: 'resetEnded' })
  }

  #noOther(): FailoverFailedError {
    return new FailoverFailedError(
      this.endpoints.length === 1
        ? 'there is only one endpoint; add failoverUrls'
        : 'these endpoints are one database: there is no other to move to',
    )
  }
}
