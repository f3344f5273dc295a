import type { Endpoint } from '../driver/contract.js'

/** What a {@link TopologySource} found. */
export interface Discovery {
  /** The preferred one first. Known ones are recognised by their `id`. */
  readonly endpoints: readonly Endpoint[]
  /**
   * The `id` of the endpoint that is said to be the primary. Only a hint: if another is written to, all are probed at
   * once, and what the servers themselves say decides.
   */
  readonly primary?: string
  /** What could not be found out, so that `endpoints` holds what was known before; it is reported as a failure is. */
  readonly problem?: Error
}

/**
 * Says where the servers of a cluster are, when that may change while a manager lives. It only proposes addresses, 32 at
 * most: which of them is what, and whether it belongs to the cluster at all, is asked of the servers. With replication a
 * server serves no caller before it has shown the identity of the cluster that the servers of the options belong to.
 */
export interface TopologySource {
  /** For messages: `DNS`. */
  readonly name: string
  /** Pause between looks, less up to 20 %; in trouble it is looked at once. */
  readonly refreshMs: number
  /** Deadline of one look. */
  readonly timeoutMs: number
  /**
   * Hosts that it may name besides those of the options: names (`db2.internal`), domains (`*.db.internal`), addresses,
   * networks (`10.0.0.0/8`), or `*` for all. What else it names is refused, and `topologyFailed` tells of it. `@default` the
   * domains of the hosts in the options, and the private network of an address (its /16, or a /48 of IPv6)
   */
  readonly allowedHosts?: readonly string[]
  /**
   * One look. What it rejects with is reported, and everything stays as it was; so it does when no endpoint was found.
   *
   * @param configured the endpoints of the options, with what is needed to log in
   */
  discover(configured: readonly Endpoint[], signal: AbortSignal): Promise<Discovery>
}
