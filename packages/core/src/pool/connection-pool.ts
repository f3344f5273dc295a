import type { Endpoint, Role } from '../driver/contract.js'
import type { ProbeResult } from '../driver/replication.js'
import type { AnsweredQuestion, ResponseTimes } from '../time/response-times.js'
import type { LeakCounts, PoolCounts } from '../vocabulary/counts.js'
import type { LeaseReport } from '../vocabulary/lease-report.js'
import type { AcquireRequest, Lent } from './acquire-request.js'
import type { PoolEntry } from './entry.js'
import type { PoolTotals } from './metrics.js'
import type { PoolMeasures } from './pool-measures.js'
import type { ServerChange } from './server-change.js'
import type { Waiter } from './waiter.js'

/** The connections of one endpoint, as everything above the pool sees them. */
export interface ConnectionPool<C extends object> {
  readonly endpoint: Endpoint
  /** `poolSize`, as it is now. */
  readonly size: number
  readonly counts: PoolCounts
  /** Connections in use and callers queued: how much it has to do. */
  readonly load: number
  /** True if it has no connection, opens none, and no caller waits. */
  readonly isEmpty: boolean
  /** For the router. */
  readonly queue: PoolQueue<C>
  /** For the monitor and its watchdogs. */
  readonly server: PoolServer<C>
  readonly probes: PoolProbes
  /** For reports. */
  readonly leases: LeaseRecords

  acquire(request: AcquireRequest): Lent<C>

  /** Acts on what has become known about the server. */
  serverChanged(change: ServerChange): void
  /** Has every open connection validated before it is lent again. */
  suspectAll(): void

  /** Closes one connection: now if idle, else when it comes back. False if there is none with this id. */
  evict(connectionId: number): boolean
  /** Invalidates every connection: idle ones close now, lent ones when they come back. */
  clear(reason: string): void
  /** Destroys the connection of one lease, whose holder gets it no more. False if there is no such lease. */
  reclaim(leaseId: number): boolean
  /** Destroys one connection, lent or not, because of its statement. */
  destroy(entry: PoolEntry<C>, error: Error): void
  /** Destroys every connection at once, lent ones too, whose operations then fail. */
  destroyAll(reason: string): void

  resize(size: PoolSize): void
  warmUp(count?: number): Promise<void>
  /** Housekeeping: expired and idle connections, leaks, the minimum of idle ones. */
  maintain(): void
  /** Whether `maintain` has anything to do, now or later. */
  readonly needsCare: boolean
  /** Closes what no caller waits for, from now on; callers are served as before. */
  windDown(): void
  /** Winds down, refuses new callers, serves those who wait until the deadline, then destroys what is left. */
  close(drainTimeoutMs: number): Promise<void>
}

/** The limits of a pool; those that are left out stay as they are. */
export interface PoolSize {
  readonly poolSize?: number
  readonly maxOverflow?: number
}

/** The callers that wait for a connection of one pool. */
export interface PoolQueue<C extends object> {
  /** A waiter that stands in no queue yet. */
  createWaiter(request: AcquireRequest): Waiter<C>
  /** Takes over a waiter from another queue. */
  enqueue(waiter: Waiter<C>): void
  /** Gives up the waiters that `leaves` chooses, for another queue to take over. */
  extract(leaves: (waiter: Waiter<C>) => boolean): Waiter<C>[]
  /** Fails the callers that wait for `timeoutMs`, which is the usual time: those with one of their own go on. */
  giveUp(timeoutMs: number, errorFor: () => Error): void
}

/** What the connections of a pool show of its server, and what the monitor adds to that. */
export interface PoolServer<C extends object> {
  /** How soon it answers. */
  readonly times: ResponseTimes
  /** Its role, as a connection has shown it last. */
  readonly role: Role
  /** Why the pool has no connection though they come about: `onConnect` fails each time, for example. */
  readonly uselessError: Error | undefined
  /** Whether it has sent anything on any connection since the latest call. */
  receivedAny(): boolean
  /** Connections on which one statement has been running since then, as far as was seen; times leave out stalls. */
  overdue(since: number, now: number): PoolEntry<C>[]
  /**
   * It has answered a probe, which takes `patienceMs` at the most on a near server: pings and logins begun long before that
   * get no answer any more.
   */
  answered(probe: AnsweredQuestion, patienceMs: number): void
}

/** Probes of the server over connections of its pool. They never settle without an answer: the caller sets the deadline. */
export interface PoolProbes {
  /**
   * Probes over an idle connection, which is lent again once the server has answered. Resolves with undefined if no
   * connection is idle.
   */
  overIdle(): Promise<ProbeResult | undefined>
  /**
   * Probes over the next connection that is opened or returned, before the pool lends it. Opens one, even beyond the limit,
   * unless one is on its way. Resolves with undefined if the pool may open none, rejects with the error of the connect.
   */
  overNext(): Promise<ProbeResult | undefined>
  /** Closes the connection that was opened for a probe, unless a caller has used it. */
  closeUnused(): void
}

/** Who holds the connections of one pool, and how much it has done. */
export interface LeaseRecords {
  readonly totals: PoolTotals
  readonly measures: PoolMeasures
  readonly leakCounts: LeakCounts
  /** Every lease that has not ended, longest first. `now` is one moment for several pools. */
  holders(now?: number): LeaseReport[]
  /** Every lease held for longer than the leak threshold, longest first. */
  leaked(now?: number): LeaseReport[]
}
