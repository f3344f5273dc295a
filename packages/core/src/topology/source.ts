import type { Endpoint } from '../driver.js'

/** What a {@link TopologySource} found. */
export interface Discovery {
  /** The preferred one first. Known ones are told by their `id`. */
  readonly endpoints: readonly Endpoint[]
  /**
   * The `id` of the endpoint that is said to be the primary. Only a hint: if another is written to, all are probed at
   * once, and what the servers themselves say decides.
   */
  readonly primary?: string
  /** What could not be found out, so that `endpoints` holds what was known before; it is told as a failure is. */
  readonly problem?: Error
}

/**
 * Says where the servers of a cluster are, when that may change while a manager lives. It only names addresses: which of
 * them is what, and whether it belongs to the cluster at all, is asked of the servers.
 */
export interface TopologySource {
  /** For messages: `DNS`. */
  readonly name: string
  /** Pause between looks, less up to 20 %; in trouble it is looked at once. */
  readonly refreshMs: number
  /** Deadline of one look. */
  readonly timeoutMs: number
  /**
   * One look. What it rejects with is told, and everything stays as it was; so it does when no endpoint was found.
   *
   * @param configured the endpoints of the options, with what is needed to log in
   */
  discover(configured: readonly Endpoint[], signal: AbortSignal): Promise<Discovery>
}
