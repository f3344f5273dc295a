/** How failover behaves. Times are in milliseconds. */
export interface FailoverOptions {
  /**
   * `role` follows the primary of one replicated cluster; `ordered` treats the endpoints as independent servers and
   * uses the first healthy one. `@default` 'role' if the driver can tell roles, else 'ordered'
   */
  readonly mode?: 'role' | 'ordered'
  /**
   * Pause between probes of each endpoint, less up to 20 %. A server that falls silent is down after this and
   * `suspectCount` times the deadline of a probe at the latest. `@default` 500; with a single endpoint see `healthMonitoring.intervalMs`
   */
  readonly probeIntervalMs?: number
  /** Pause between probes while there is no writer; in its first second, a tenth of the time without. `@default` 100 */
  readonly fastProbeIntervalMs?: number
  /**
   * Deadline of one probe, at the least. When it is missed the next one follows at once, over a fresh connection beside the
   * first; an answer to either counts, and so does anything that comes over other connections meanwhile. It follows what
   * the server needs to answer, and how much that varies: for one that is more than 8 ms away it is six times as long (up
   * to 1.5 s) from the start on, and it grows with slow answers up to twenty times itself (up to 5 s). `@default` 250
   */
  readonly probeTimeoutMs?: number
  /**
   * Deadline of a probe that has to open its connection first, at the least. It grows with what logins take, up to twenty
   * times itself (up to 20 s); a login in which the server goes on to send something is left to finish for as long, while
   * another is tried beside it. A server that has never answered is down after seven times as long (up to 7 s). `@default` 1000
   */
  readonly probeConnectTimeoutMs?: number
  /**
   * Pause between logins that are tried, with several endpoints, less up to 20 %: probes keep their session, and so do
   * not notice a server that takes no other login. 0 for none. `@default` 5000
   */
  readonly loginProbeMs?: number
  /** Missed deadlines in a row after which an endpoint is down. `@default` 2 */
  readonly suspectCount?: number
  /** How long one attempt to find a writer lasts before it counts as failed. Looking for one never stops. `@default` 30_000 */
  readonly failoverTimeoutMs?: number
  /** Attempts before `failoverFailed` is final and the cluster counts as degraded or down. `@default` 3 */
  readonly retryAttempts?: number
  /** Pause between attempts; doubles each time, with full jitter. `@default` 1000 */
  readonly retryDelayMs?: number
  /** Standbys further behind than this get no reads. `@default` 10_000 */
  readonly maxLagMs?: number
  /** How long an endpoint must be healthy before it is trusted again. Doubles with every relapse, up to ten minutes. `@default` 30_000 */
  readonly failbackStableMs?: number
  /** Probes in a row that must succeed before that. `@default` 5 */
  readonly failbackSuccesses?: number
  /**
   * What to do when two servers claim to be the primary and their histories do not tell which is newer, or one that does
   * not tell its history may be an old one: `refuse` writes to none; `stay` goes on with the one that is written to already, if it is one of them, which loses nothing only if the other is known to get
   * no writes. `@default` 'refuse'
   */
  readonly splitBrain?: 'refuse' | 'stay'
  /** In ordered mode, whether to return to an earlier endpoint once it is trusted again. `@default` true */
  readonly autoFailback?: boolean
  /**
   * The identity of the cluster, as its servers show it where the database has one. Servers of any other are never used, and those that a topology source names are used before a server of the options has answered. `@default` that
   * of the first server of the options that shows one
   */
  readonly cluster?: string
}

export type FailoverKnobs = Required<Omit<FailoverOptions, 'mode' | 'cluster'>> &
  Pick<FailoverOptions, 'cluster'>

export const FAILOVER_DEFAULTS: FailoverKnobs = {
  probeIntervalMs: 500,
  fastProbeIntervalMs: 100,
  probeTimeoutMs: 250,
  probeConnectTimeoutMs: 1000,
  loginProbeMs: 5000,
  suspectCount: 2,
  failoverTimeoutMs: 30_000,
  retryAttempts: 3,
  retryDelayMs: 1000,
  maxLagMs: 10_000,
  failbackStableMs: 30_000,
  failbackSuccesses: 5,
  splitBrain: 'refuse',
  autoFailback: true,
}
