/**
 * What is known of a server.
 *
 * - `unknown`: nothing that concerns its connections
 * - `open`: it lets callers in
 * - `suspect`: something has failed on it, and a probe is to decide
 * - `lost`: nothing can be expected of the sockets that are open to it
 */
export type ServerCondition = 'unknown' | 'open' | 'suspect' | 'lost'

/**
 * What has become known about the server of a pool. The pool draws the conclusions. Fields that are left out have not
 * changed.
 */
export interface ServerChange {
  /**
   * While it is `suspect` or `lost`, open connections are validated before they are lent; new ones too if it still serves,
   * because a pooler in between opens them without asking it. Once it is `open`, the pool connects again: at once, or over
   * `rampMs` after it was `lost`.
   */
  readonly condition?: ServerCondition
  /** Whether callers may have its connections. While they may not, they wait. */
  readonly serving?: boolean
  /** The only role in which it is of use; `any` if each is. */
  readonly requiredRole?: 'primary' | 'standby' | 'any'
  /**
   * It is in another role than before, or has become the writer: open connections are validated before they are lent, and
   * the pool connects at once.
   */
  readonly roleChanged?: boolean
  /** Callers of many processes move to it now: the pool opens its connections one after the other, over `rampMs`. */
  readonly crowded?: boolean
  /** Whether it lets in new connections. While logins fail, the pool tries one at a time. */
  readonly logins?: 'work' | 'fail' | 'unknown'
  /** Whether monitoring watches it. Unwatched, the pool keeps no reserve; watched again, it validates what is open. */
  readonly watched?: boolean
  /** Why its connections are of no use any more: idle ones close now, lent ones when they come back. */
  readonly outdated?: string | undefined
  /** Why its connections are dead: all are destroyed at once, lent ones too, whose operations then fail. */
  readonly dead?: string | undefined
}
