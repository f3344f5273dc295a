import type { Cluster } from '../cluster/cluster.js'
import type { ManagedEndpoint } from '../cluster/managed-endpoint.js'
import type { ConnectionSignal, Driver, Endpoint, Role } from '../driver/contract.js'
import type { FailureKind } from '../driver/failure-kind.js'
import { messageOf } from '../errors.js'
import type { PoolObserver } from '../pool/context.js'
import type { Maintainer } from '../pool/maintainer.js'
import type { EndpointSet } from '../topology/endpoint-set.js'
import type { HealthMonitor } from './health-monitor.js'
import type { LoginProbes } from './login-probes.js'
import type { Monitoring } from './monitoring.js'
import type { ReadinessTracker } from './readiness.js'
import { wasAnswered } from './standing.js'
import type { StartUp } from './start-up.js'

export interface PoolReactionsParts<C extends object> {
  readonly cluster: Cluster<C>
  readonly driver: Driver<C>
  /** No endpoint can take the place of another. */
  readonly fixed: boolean
  readonly logins: LoginProbes<C>
  readonly maintainer: Maintainer<C>
  readonly monitor: HealthMonitor<C>
  readonly monitoring: Monitoring<C>
  /** The monitor while it runs. */
  readonly probing: HealthMonitor<C> | undefined
  readonly readiness: ReadinessTracker
  readonly set: EndpointSet<C>
  readonly startUp: StartUp<C>
  /** A pool that winds down is empty. */
  poolDrained(): void
}

/** What a manager does when its pools report something. */
export class PoolReactions<C extends object> implements PoolObserver {
  readonly #parts: PoolReactionsParts<C>

  constructor(parts: PoolReactionsParts<C>) {
    this.#parts = parts
  }

  get epoch(): number {
    return this.#parts.cluster.epoch
  }

  connected(endpoint: Endpoint): void {
    const { cluster, maintainer, probing, readiness, set, startUp } = this.#parts
    const managed = set.of(endpoint)
    cluster.connected(managed)
    maintainer.wake()
    managed.standIn.connected()
    managed.prober.shared?.wake()
    if (!startUp.over) {
      startUp.end()
      void readiness.current
    }
    // A single one is asked ever more rarely while it does not answer, and is back before that.
    if (probing !== undefined && !wasAnswered(managed.state)) {
      probing.checkAfterTrouble(managed)
      probing.hurry()
    }
  }

  connectFailed(
    endpoint: Endpoint,
    kind: FailureKind,
    error: Error,
    asked: boolean,
  ): 'retry' | 'give-up' {
    const { driver, fixed, logins, monitor, set, startUp } = this.#parts
    const managed = set.of(endpoint)
    startUp.refused(endpoint.id, error, kind === 'setup')
    managed.standIn.connectFailed(kind)
    if (kind === 'busy') monitor.releaseSession(managed)
    if (driver.replication?.isOfDatabase(error) === true) this.#separate()
    // What is known already is no news: sessions work all the same.
    if (!asked && managed.loginError === undefined) {
      this.#trouble(managed, kind, messageOf(error))
      logins.suspect(managed)
    }
    // The next attempt meets the same mistake, wherever it leads.
    if (kind === 'defect') return 'give-up'
    return fixed && kind === 'setup' && !managed.everConnected ? 'give-up' : 'retry'
  }

  signalled(endpoint: Endpoint, { error, kind }: ConnectionSignal): void {
    this.#trouble(this.#parts.set.of(endpoint), kind, messageOf(error))
  }

  roleMismatch(endpoint: Endpoint, seen: Role): void {
    const { probing, set } = this.#parts
    const managed = set.of(endpoint)
    void probing?.checkAnew(managed)
    this.#trouble(managed, 'read-only', `it is a ${seen} now`)
  }

  drained(): void {
    this.#parts.poolDrained()
  }

  #trouble(endpoint: ManagedEndpoint<C>, kind: FailureKind, reason: string): void {
    const { cluster, monitoring } = this.#parts
    // A server may end idle sessions while monitoring is paused, for example to scale to zero.
    if (!monitoring.resting) cluster.trouble(endpoint, kind, reason)
  }

  /** Our database is refused, whatever the servers answer about others: they are asked about ours. */
  #separate(): void {
    const { probing, set } = this.#parts
    for (const each of set.all)
      if (each.prober.shared?.separate() === true) probing?.checkAfterTrouble(each)
  }
}
