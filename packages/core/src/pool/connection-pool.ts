import type { Target } from '../cluster/states.js'
import type { Endpoint, ProbeResult, Role } from '../driver/contract.js'
import type { LeaseReport } from '../leaks/lease-report.js'
import type { FunctionReference } from '../leaks/stack.js'
import type { AnsweredQuestion, ResponseTimes } from '../time/response-times.js'
import type { PoolEntry } from './entry.js'
import type { Lease } from './lease.js'
import type { LeakCounts, PoolCounts, PoolTotals } from './metrics.js'
import type { AcquireOptions } from './options.js'
import type { Waiter } from './waiter.js'

/** The verbs by which everything above talks to the connections of one endpoint. */
export interface ConnectionPool<C extends object> {
  readonly endpoint: Endpoint
  readonly size: number
  readonly counts: PoolCounts
  /** True if it has no connection, opens none, and no caller waits. */
  readonly isEmpty: boolean
  readonly totals: PoolTotals
  readonly leakCounts: LeakCounts
  /** How soon its server answers. */
  readonly times: ResponseTimes
  /** Connections in use and callers queued: how much it has to do. */
  readonly load: number

  /** The role of its server, as a connection has shown it last. */
  readonly role: Role

  /** Why the pool has no connection though they come about: `onConnect` fails each time, for example. */
  readonly uselessError: Error | undefined

  /** `below` is the function that the caller called: leak reports begin above it. */
  acquire(options: AcquireOptions, target: Target, below: FunctionReference): Promise<Lease<C>>
  /** A waiter that stands in no queue yet. */
  createWaiter(options: AcquireOptions, target: Target, below: FunctionReference): Waiter<C>
  /** Takes over a waiter from another queue. */
  enqueue(waiter: Waiter<C>): void
  /** Gives up the waiters that `leaves` chooses, for another queue to take over. */
  extractWaiters(leaves: (waiter: Waiter<C>) => boolean): Waiter<C>[]

  /** Fails the callers that wait for `timeoutMs`, which is the usual time: those with one of their own go on. */
  giveUp(timeoutMs: number, errorFor: () => Error): void

  /** Closes one connection: now if idle, else when it comes back. False if there is none with this id. */
  evict(connectionId: number): boolean
  /** Invalidates every connection: idle ones close now, lent ones when they come back. */
  clear(reason: string): void
  /** Destroys every connection at once, lent ones too, whose operations then fail. */
  destroyAll(reason: string): void
  /** Has every idle connection validated before it is lent again. */
  suspectAll(): void
  /**
   * Whether new connections are validated too before they are lent: while their server is in trouble, a pooler in
   * between opens them without asking it.
   */
  distrust(on: boolean): void
  /** Whether the server has sent anything on any connection since this was asked last. */
  receivedAny(): boolean
  /** Connections on which one statement has been running since then, as far as was seen; times leave out stalls. */
  overdue(since: number, now: number): PoolEntry<C>[]
  /** Destroys one connection, lent or not, because of its statement. */
  destroy(entry: PoolEntry<C>, error: Error): void
  /**
   * A probe has been answered, one that takes `patienceMs` at the most on a near server: pings and logins begun long before
   * it get no answer any more.
   */
  answered(probe: AnsweredQuestion, patienceMs: number): void
  /**
   * Probes the server over an idle connection, and lends that connection again once the server has answered. Resolves with
   * undefined if no connection is idle. Without an answer it never settles: the caller sets the deadline.
   */
  ask(): Promise<ProbeResult | undefined>
  /**
   * Probes the server over the next connection that is opened or returned, before the pool lends it. Opens one, even beyond
   * the limit, unless one is on its way. Resolves with undefined if the pool may open none, rejects with the error of the
   * connect.
   */
  askNext(): Promise<ProbeResult | undefined>
  /** Closes the connection that was opened for a probe, unless a caller has used it. */
  closeAhead(): void
  /** Whether `maintain` has anything to do, now or later. */
  readonly needsCare: boolean
  /** Whether `minIdle` holds: if not, idle connections go when their time is over, and none is opened in reserve. */
  keepReserve(on: boolean): void
  /** Lends only connections whose server is in this role; undefined to take any. */
  expect(role: Role | undefined): void
  /** Ends any back-off after failed connects. */
  retryNow(): void
  /** The same, unless many connects in a row have failed: the server answers over connections that are open. */
  retrySoon(): void
  /** Opens the next connections one after the other, over `rampMs`: others storm the same server. */
  ramp(): void
  /** Opens one connection at a time, as long as that is on. */
  throttle(on: boolean): void
  suspend(): void
  resume(): void
  resize(size: { poolSize?: number; maxOverflow?: number }): void
  warmUp(count?: number): Promise<void>
  /** Housekeeping: expired and idle connections, leaks, the minimum of idle ones. */
  maintain(): void
  holders(): LeaseReport[]
  leaked(): LeaseReport[]
  /** Closes whatever nobody waits for, from now on; callers are served as before. */
  windDown(): void
  /** Winds down, refuses new callers, serves those who wait until the deadline, then destroys what is left. */
  close(drainTimeoutMs: number): Promise<void>
}
