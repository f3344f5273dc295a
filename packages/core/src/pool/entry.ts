import type { ConnectionActivity, Endpoint, Role } from '../driver/contract.js'
import type { CloseReason } from '../vocabulary/close-reason.js'
import type { Lease } from './lease.js'
import type { Linked, LinkedList } from './linked-list.js'

/** `testing` is under validation, `cleaning` is being settled, rolled back or reset; neither can be lent. */
export type EntryState = 'idle' | 'inUse' | 'testing' | 'cleaning' | 'closed' | 'detached'

let lastConnectionId = 0

/** The pool's record of one physical connection. Only `Connections` moves it between states. */
export class PoolEntry<C extends object> implements Linked<PoolEntry<C>> {
  /** Unique within the process. */
  readonly id = ++lastConnectionId
  previous: PoolEntry<C> | undefined = undefined
  next: PoolEntry<C> | undefined = undefined
  list: LinkedList<PoolEntry<C>> | undefined = undefined

  state: EntryState = 'testing'
  /** When a lease last ended, or else when it was opened. Pings and probes do not count. */
  idleSince: number
  uses = 0
  /** Bytes that had come from the server when it was last looked at. */
  received = 0
  /** The statement that it ran when it was last looked at, and since when, in time that was not stalled. */
  running: unknown = undefined
  runningSince = 0
  /** The server's role when the connection was last looked at. */
  role: Role = 'unknown'
  /** True if it must be validated before it is lent, however lately it was used. */
  suspect = false
  /** True if it was opened for a probe, and no caller has borrowed it yet. */
  ahead = false
  /** True while it keeps the process running. */
  holdsProcess = true
  /** Set on a connection that is in use: it is closed for this reason when it comes back. */
  doomed: CloseReason | undefined = undefined

  /** `onAcquire` has sent statements for its latest lease, so that the session needs a reset. */
  prepared = false

  /** The latest lease, which may have ended. */
  lease: Lease<C> | undefined = undefined

  constructor(
    readonly connection: C,
    readonly endpoint: Endpoint,
    readonly generation: number,
    readonly createdAt: number,
    readonly expiresAt: number,
    readonly activity: ConnectionActivity | undefined,
  ) {
    this.idleSince = createdAt
  }
}
