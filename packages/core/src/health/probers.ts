import type { Cluster } from '../cluster/cluster.js'
import { historyOf } from '../cluster/history.js'
import type { ManagedEndpoint } from '../cluster/managed-endpoint.js'
import type { Driver, Endpoint } from '../driver/contract.js'
import { messageOf } from '../errors.js'
import type { Runtime } from '../runtime.js'
import type { ResponseTimes } from '../time/response-times.js'
import type { EndpointProber, StandIn } from './endpoint-prober.js'
import type { HealthMonitor } from './health-monitor.js'
import type { ProbeTimeouts } from './probe-patience.js'
import { Prober } from './prober.js'
import { SharedProber } from './shared-prober.js'
import type { ProberCallbacks } from './watch-members.js'

export interface ProbersParts<C extends object> {
  readonly cluster: Cluster<C>
  readonly driver: Driver<C>
  readonly monitor: HealthMonitor<C>
}

/** Chooses how each endpoint is probed: managers of one process that would ask a server the same ask it together. */
export class Probers<C extends object> {
  readonly #runtime: Runtime
  readonly #timeouts: ProbeTimeouts
  readonly #parts: ProbersParts<C>

  constructor(runtime: Runtime, timeouts: ProbeTimeouts, parts: ProbersParts<C>) {
    this.#runtime = runtime
    this.#timeouts = timeouts
    this.#parts = parts
  }

  /** @param managed the endpoint with all that is known of it, once there is that */
  create(
    endpoint: Endpoint,
    times: ResponseTimes,
    standIn: StandIn,
    managed: () => ManagedEndpoint<C>,
  ): EndpointProber {
    const { driver } = this.#parts
    const createProber = ({ onLateAnswer, onSignal }: ProberCallbacks): EndpointProber =>
      new Prober(
        this.#runtime,
        endpoint,
        driver,
        { ...this.#timeouts, standIn, times, onLateAnswer },
        onSignal,
      )
    const own: ProberCallbacks = {
      onLateAnswer: () => void this.#parts.monitor.check(managed()),
      onSignal: ({ error, kind }) => this.#parts.cluster.trouble(managed(), kind, messageOf(error)),
    }
    const scope = driver.replication?.probeScope(endpoint)
    if (scope === undefined) return createProber(own)
    const server = [driver.name, this.#timeouts, scope.server]
    return new SharedProber(this.#runtime, server, scope.database, {
      createProber,
      onSignal: own.onSignal,
      order: historyOf(driver.replication).order,
      isOfDatabase: (error) => driver.replication?.isOfDatabase(error) === true,
    })
  }
}
