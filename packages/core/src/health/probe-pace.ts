import type { Cluster } from '../cluster/cluster.js'
import type { ManagedEndpoint } from '../cluster/managed-endpoint.js'
import type { FailoverKnobs } from '../cluster/options.js'
import { urgentPaceMs } from '../cluster/reducer/search.js'
import type { Monitoring } from './monitoring.js'
import { wasAnswered } from './standing.js'

/** Pause before a fixed endpoint that has failed is asked again; doubles with every failure. */
const RETRY_MS = 250
/** The same while callers wait, of one that refuses for a reason that only a person can mend. */
const REFUSED_RETRY_MS = 1000
/** The session in which a fixed endpoint is probed is not kept for longer pauses than this. */
const LONGEST_KEPT_MS = 5000

export interface ProbePaceParts<C extends object> {
  readonly cluster: Cluster<C>
  readonly endpoints: readonly ManagedEndpoint<C>[]
  /** No endpoint can take the place of another. */
  readonly fixed: boolean
  readonly monitoring: Monitoring<C>
}

/** Says how often a manager probes its endpoints, and whether it keeps the sessions in between. */
export class ProbePace<C extends object> {
  readonly #knobs: FailoverKnobs
  readonly #intervalMs: number
  readonly #parts: ProbePaceParts<C>

  /** @param intervalMs pause between the probes of fixed endpoints while all is well */
  constructor(knobs: FailoverKnobs, intervalMs: number, parts: ProbePaceParts<C>) {
    this.#knobs = knobs
    this.#intervalMs = intervalMs
    this.#parts = parts
  }

  /** Time until the next round, given how things stand. */
  get paceMs(): number {
    const { cluster, fixed } = this.#parts
    const { fastProbeIntervalMs, probeIntervalMs } = this.#knobs
    if (fixed) return this.#fixedPaceMs()
    return cluster.urgent ? urgentPaceMs(cluster.searchingMs, fastProbeIntervalMs) : probeIntervalMs
  }

  #fixedPaceMs(): number {
    const first = this.#parts.endpoints.reduce((worst, each) =>
      each.standing.failures > worst.standing.failures ? each : worst,
    )
    const { failures } = first.standing
    if (failures === 0) return this.#intervalMs
    // A waiting caller is served as soon after its return as with several endpoints, a proxy before them for example.
    if (first.pool.counts.waiting > 0)
      return first.state === 'QUARANTINED' ? REFUSED_RETRY_MS : this.#knobs.fastProbeIntervalMs
    // Connections to it come about: the server is back, even if the latest probe failed.
    if (first.pool.counts.total > 0) return RETRY_MS
    // Without a waiting caller it is asked again soon, and then less and less often.
    return Math.min(this.#intervalMs, RETRY_MS * 2 ** Math.min(failures, 16))
  }

  /** Whether the session of a prober is to be kept until the next round: it may be the very connection that a caller lacks. */
  keepsSession({ standIn, state }: ManagedEndpoint<C>): boolean {
    const { fixed, monitoring } = this.#parts
    if (monitoring.resting || (standIn.short && wasAnswered(state))) return false
    return !fixed || this.paceMs <= LONGEST_KEPT_MS
  }
}
