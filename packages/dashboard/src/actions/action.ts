/**
 * What a visitor may have a manager do.
 *
 * - `check`: asks every server how it is, now
 * - `recycle`: replaces all connections: idle ones close now, those in use when they come back
 * - `reclaim`: takes a connection from its holder; what runs on it is cancelled
 * - `failover`: moves callers who write to another server
 * - `quarantine`, `unquarantine`: takes a server out of service, and puts it back
 * - `reset-insights`: forgets what insights have seen so far
 */
export type DashboardAction =
  | 'check'
  | 'recycle'
  | 'reclaim'
  | 'failover'
  | 'quarantine'
  | 'unquarantine'
  | 'reset-insights'

/** All of them. */
export const ACTIONS: readonly DashboardAction[] = [
  'check',
  'recycle',
  'reclaim',
  'failover',
  'quarantine',
  'unquarantine',
  'reset-insights',
]

/** What a request is for: to see the page, or to have something done. */
export interface DashboardPurpose {
  readonly action: 'view' | DashboardAction
  /** Name of the manager that is to act; undefined for `view`, and where the page asks which buttons to show. */
  readonly manager?: string
  /** The server that `failover`, `quarantine` and `unquarantine` are about. */
  readonly endpoint?: string
  /** The lease whose connection is to be reclaimed. */
  readonly leaseId?: number
}

/** The header by which the page says that it asks itself; a page of another origin cannot send it. */
export const ACTION_HEADER = 'x-connmgr-dashboard'
