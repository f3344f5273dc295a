import type { ProbeResult } from '../driver/contract.js'
import type { Origin } from './managed-endpoint.js'

/**
 * Which cluster is ours, and whether a server belongs to it. The servers of the options say which one it is; a server
 * that a topology source has named has to show the same identity, or it does not count.
 *
 * An identity is shown, not proved: physical copies share it, and a server that lies can repeat it. What keeps such a one
 * out is authentication (TLS with a verified certificate, SCRAM), the history, and the hosts that a source may name.
 */
export class ClusterIdentity {
  /** False where servers have no identity in common, as independent ones. */
  readonly #shared: boolean
  readonly #pinned: string | undefined
  #cluster: string | undefined
  /** The cluster before an operator allowed another: who belonged to it still does, while nothing speaks for another. */
  #former: string | undefined
  #contested: string | undefined
  /** Until every server of the options has been asked once, what others are is not decided. */
  #pending = true

  constructor(shared: boolean, pinned: string | undefined) {
    this.#shared = shared
    this.#pinned = pinned
    this.#cluster = shared ? pinned : undefined
  }

  get known(): boolean {
    return this.#cluster !== undefined
  }

  get cluster(): string | undefined {
    return this.#cluster
  }

  /** Whether the servers of the options may still say which cluster is meant. */
  get open(): boolean {
    return this.#shared && this.#cluster === undefined
  }

  get pending(): boolean {
    return this.#pending && this.#cluster === undefined
  }

  /** Every endpoint has been asked, or has had its time. */
  surveyed(): void {
    this.#pending = false
  }

  adopt(cluster: string): void {
    this.#cluster = cluster
    this.#former = undefined
    this.#contested = undefined
  }

  /** The addresses of a name lead to servers of different clusters, so the name is ambiguous; undefined if not. */
  contest(reason: string | undefined): void {
    this.#contested = reason
  }

  /** Accepts the cluster that the servers of the options belong to next. */
  reopen(): void {
    this.#former = this.#cluster ?? this.#former
    this.#cluster = this.#shared ? this.#pinned : undefined
  }

  /** No server of the options belongs to another cluster: the former one stays. */
  settle(): void {
    if (this.open && this.#former !== undefined) this.adopt(this.#former)
  }

  isStranger({ cluster }: ProbeResult): boolean {
    return this.#cluster !== undefined && cluster !== undefined && cluster !== this.#cluster
  }

  strangeness({ cluster }: ProbeResult): string {
    return `belongs to another cluster (${cluster}, expected ${this.#cluster})`
  }

  /** Why a server that has answered does not count as one of ours yet; undefined if it does. */
  doubt(origin: Origin, { cluster }: ProbeResult): string | undefined {
    if (!this.#shared || origin === 'configured') return undefined
    if (this.#cluster === undefined && origin === 'resolved') return this.#contested
    const ours = this.#cluster ?? this.#former
    if (ours === undefined)
      return (
        'named by the topology source alone, and no server of the options has shown yet which cluster is meant: ' +
        'name more of its servers in the options, or set failover.cluster'
      )
    if (cluster === ours) return undefined
    return cluster === undefined
      ? `does not show that it belongs to the cluster (${ours})`
      : this.strangeness({ role: 'unknown', writable: false, cluster })
  }
}
