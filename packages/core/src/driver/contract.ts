import type { StatementTracer } from './statement-trace.js'

/** What a server was last seen to be. `unknown` until a probe has answered. */
export type Role = 'primary' | 'standby' | 'unknown'

/** One server, or one file, of a database. `id` is safe to print: it never holds credentials. */
export interface Endpoint {
  /** `host:port/database`, or a path; unique within a manager. */
  readonly id: string
  /** Undefined for what has no address, as a file. */
  readonly host?: string
  readonly port?: number
  readonly database?: string
  /** For databases without replication of their own: what its connections are for. All endpoints of a manager have it, or none. */
  readonly role?: 'primary' | 'standby'
  /** Sizes of its own. `@default` those of the manager */
  readonly size?: { readonly poolSize: number; readonly maxOverflow: number }
  /** The most connections that it bears at once. `@default` no limit */
  readonly capacity?: number
  /** Who logs in there: managers that do so as the same user could be one. */
  readonly account?: string
  /**
   * The `id` of the configured endpoint whose name this is an address of, if a topology source has looked that up. It is
   * trusted as the name is: like any endpoint of the options until the cluster is known, and by its identity from then on.
   */
  readonly resolvedFrom?: string
  /** What the driver needs to connect. May hold secrets; never printed, so keep it non-enumerable. */
  readonly config: unknown
}

/**
 * What went wrong, in the terms that decide what happens next.
 *
 * - `lost`: the connection is gone; what was in flight has an unknown outcome
 * - `unreachable`: no connection came about (refused, reset, DNS, connect timeout)
 * - `starting`: the server is there but not ready yet
 * - `busy`: the server is there but has no room
 * - `setup`: nothing but a person can mend it (bad credentials, missing database, TLS)
 * - `defect`: the program is wrong, such as a client class that throws a TypeError; no server has had a part in it
 * - `shutdown`: the server reported that it ended the session
 * - `read-only`: the server refused a write without effect
 * - `serialization`: an ordinary conflict of two transactions
 * - `statement`: any other error that the server has answered a statement with; the connection is fine
 */
export type FailureKind =
  | 'lost'
  | 'unreachable'
  | 'starting'
  | 'busy'
  | 'setup'
  | 'defect'
  | 'shutdown'
  | 'read-only'
  | 'serialization'
  | 'statement'

/** Something a driver noticed on a connection by itself, outside any call of ours. */
export interface ConnectionSignal {
  readonly kind: FailureKind
  readonly error: Error
}

/**
 * What state a connection was handed back in.
 * `busy` is mid-query, `stuck` is mid-query and waits for its client, so that it never ends by itself, `transaction` is
 * inside an open or aborted transaction, `broken` cannot be used again.
 */
export type ConnectionCondition = 'clean' | 'transaction' | 'busy' | 'stuck' | 'broken'

/** What a connection has been used for. The driver keeps it current, the engine only reads it. */
export interface ConnectionActivity {
  /** Statements sent since the connection was opened. */
  queryCount: number
  /** Text of the latest statement, without its values. */
  lastQuery: string | undefined
  /** Bytes the server has sent so far: tells a server that is slow from one that is gone. */
  readonly received?: number
  /** Stands for the statement that is being run, the same for as long as that lasts; undefined while none is. */
  readonly running?: unknown
  /** True while the session does what takes a connection for itself, as long as that lasts: it listens, for example. */
  readonly longLived?: boolean
  /** The current or latest lease. Set by the engine, for a driver to tell one borrower from the next. */
  lease?: Borrower | undefined
}

/** A lease, as a driver sees it. */
interface Borrower {
  readonly id: number
  readonly connectionId: number
  /** False once it has ended. */
  readonly active: boolean
  /** `effects`: the `Effects` of the unit of work that acquired the lease, if that may be run again. */
  readonly owner: { readonly effects?: object | undefined }
}

/** Limits and listeners of one attempt to connect. */
export interface ConnectContext {
  /** Aborted when the attempt's deadline passes or the pool closes; the driver then destroys its socket. */
  readonly signal: AbortSignal
  /** Called for as long as the connection lives. Never throws. */
  readonly onSignal: (signal: ConnectionSignal) => void
  /**
   * To be given, as soon as there is a socket, what tells how many bytes the server has sent over it: a login that goes on,
   * however slowly, is left to finish. A driver that cannot tell does not call it.
   */
  readonly watch?: (received: () => number) => void
  /**
   * Publishes what borrowers of the connection send; for as long as it lives. Absent for a connection of the engine's own,
   * whose statements are not published.
   */
  readonly queries?: StatementTracer
}

/**
 * How a connection is cleaned between two borrowers, apart from an open transaction, which is always rolled back.
 *
 * - `auto`: as `reset-all`, and only if a statement of the borrower may have changed the session
 * - `reset-all`: after every lease; settings, roles, cursors, advisory locks, temporary tables and subscriptions go
 * - `discard-all`: after every lease; prepared statements go as well
 * - `none`: nothing is sent
 * - a function: it alone, after every lease
 */
export type ResetPolicy<C> =
  | 'auto'
  | 'none'
  | 'reset-all'
  | 'discard-all'
  | ((connection: C) => Promise<void>)

/** What a reset has found that the borrower should have given back. */
export interface ResetFindings {
  /** Locks of the session, not of a transaction. */
  readonly advisoryLocks: number
}

/** What the handle of one lease asks of that lease. */
export interface LeaseFence {
  /** False once the lease has ended. */
  readonly active: boolean
  /** Reports a use after the end, as `leaseMisused`; returns the error to refuse it with. @param statement its text */
  refuse(statement?: string): Error
  /** A statement is about to be sent, by the call of `below`. For leak reports. */
  noteUse(below: (...args: never[]) => unknown): void
  /** Has the handle leave nothing behind: called when the connection goes back to its pool. At most one. */
  onRelease(tidy: () => void): void
}

/** Isolation levels by which a transaction may be begun. A database that lacks one offers the next stronger. */
export type IsolationLevel =
  | 'read uncommitted'
  | 'read committed'
  | 'repeatable read'
  | 'serializable'

/** What a transaction is begun with. */
export interface TransactionOptions {
  /** `@default` the server's own setting */
  readonly isolation?: IsolationLevel
  /** `@default` false */
  readonly readOnly?: boolean
}

/** What {@link Transactions.begin} is asked for. */
export interface BeginOptions extends TransactionOptions {
  /** How long the caller waits at the most, in milliseconds; the engine does not interrupt a driver that takes longer. `@default` no limit */
  readonly leftMs?: number
}

/** Something that a server keeps from the role that probes it. */
export interface MissingRight {
  /** As the database calls it: the functions that the role may not execute, or that the server does not have. */
  readonly name: string
  /** What does not work without it. */
  readonly turnsOff: string
}

/**
 * How far a server is in what has been written. Both texts belong to the driver: the engine compares them by
 * {@link Replication} alone, prints them, and sends them to other processes within write tokens.
 */
export interface Place {
  /** What tells a server before a promotion from one after it. */
  readonly history?: string | undefined
  /** How far it is, in any history; undefined where that is not known. */
  readonly position?: string | undefined
}

/** A {@link Place} of the server that takes writes. */
export interface WritePlace extends Place {
  /** As in {@link ProbeResult}. */
  readonly cluster?: string | undefined
}

/** One answer of a server about itself. */
export interface ProbeResult extends Place {
  readonly role: Role
  /** False for a primary that refuses writes. */
  readonly writable: boolean
  /** Names the cluster: replicas of one cluster share it. Undefined where the database has no such thing. */
  readonly cluster?: string | undefined
  /** Names the server, whatever address leads to it. */
  readonly server?: string | undefined
  /** When the server process started, as the server says it; tells a restart. */
  readonly startedAt?: string | undefined
  /** Questions that were sent for it, each after the answer to the one before. `@default` 1 */
  readonly roundTrips?: number | undefined
  /** What the role may not ask, if there is something. */
  readonly missing?: readonly MissingRight[]
}

/**
 * How one history is to another.
 *
 * - `same`: no promotion lies between them
 * - `newer`, `older`: a promotion does, and this one is after it, or before it
 * - `equal`, `ahead`, `behind`: it has what the other has, more, or less. No proof that there was a promotion, or none
 * - `diverged`: each has what the other lacks
 * - `unknown`: cannot be told
 */
export type Order =
  | 'same'
  | 'newer'
  | 'older'
  | 'equal'
  | 'ahead'
  | 'behind'
  | 'diverged'
  | 'unknown'

/** See {@link Replication.probeScope}. */
export interface ProbeScope {
  /** Compared by content, except functions and instances of classes, which are compared by identity. */
  readonly server: readonly unknown[]
  readonly database: string
}

/** A connection of the health monitor's own, kept outside the pool. */
export interface Probe {
  check(signal: AbortSignal): Promise<ProbeResult>
  /** Immediate, never throws. */
  destroy(): void
}

/** Units of work that are committed or rolled back as a whole. */
export interface Transactions<C extends object> {
  begin(connection: C, options: BeginOptions): Promise<void>
  /** Resolves only if what has been done since {@link begin} was committed, all of it. */
  commit(connection: C): Promise<void>
  rollback(connection: C): Promise<void>
  /** The database's own code for a COMMIT of unknown outcome, which `CommitOutcomeUnknownError` carries. */
  readonly unknownOutcomeCode?: string
}

/** What keeps the borrowers of one connection apart. */
export interface Sessions<C extends object> {
  /** The session is now as every borrower is to find it. Called when `onConnect` has run. */
  baseline(connection: C): void
  /** Whether a statement may have changed the session since `baseline`. Synchronous and cheap. In doubt it has. */
  altered(connection: C): boolean
  reset(connection: C, policy: 'reset-all' | 'discard-all'): Promise<ResetFindings | undefined>
  /**
   * What one lease hands out in place of its connection: the same to use, and it refuses once the lease has ended, so that a
   * borrower who keeps it cannot reach the next one's.
   */
  fence(connection: C, lease: LeaseFence): C
}

/** What the texts of statements say. */
export interface Statements {
  /** A statement's shape: without literals, comments and superfluous blanks. Where its text is unclear it is cut off, with `…`. */
  fingerprint(text: string): string
  /**
   * Whether an error reports a limit that was set on purpose: a time limit of the client on a statement, or
   * one of the server on a statement, a transaction or an idle session. Work that met one is not run again by itself.
   */
  isDeliberate(error: unknown): boolean
}

/** Servers that copy one another, and what each says about itself. */
export interface Replication<C extends object> {
  openProbe(endpoint: Endpoint, context: ConnectContext): Promise<Probe>
  /**
   * Probes the server over an idle connection of the pool, for servers that are short of connections. Leaves the session
   * unchanged, ignores what users have set in it, and brings `role` up to date.
   */
  ask(connection: C): Promise<ProbeResult>
  /** The role the server last showed on this connection, `validate` included. Synchronous; nothing is sent. */
  role(connection: C): Role
  /**
   * What the answers of a probe depend on, for managers of one process to share them: endpoints that are equal in `server`
   * are the same server, asked in the same way with the same rights, whatever their `database`. It may hold secrets; it is
   * kept as a digest only. Undefined to ask for each manager alone.
   */
  probeScope(endpoint: Endpoint): ProbeScope | undefined
  /** Whether a failed login concerns the database alone that was to be opened, and not the server. */
  isOfDatabase(error: unknown): boolean
  /** How one `history` is to another. */
  order(one: string, other: string): Order
  /** Whether a server at one `position` has all that was written up to another. */
  covers(position: string, written: string): boolean
  /** On a primary: everything committed so far lies before it. */
  writePlace(connection: C): Promise<WritePlace>
  /** On a standby: up to where what was written can be read. Undefined if the server is none any more. */
  readPlace(connection: C): Promise<Place | undefined>
}

/** What goes on on a connection, beyond what {@link Driver.inspect} tells. */
export interface Activity<C extends object> {
  of(connection: C): ConnectionActivity
  /** Resolves once a `busy` connection is no longer so; rejects at once when it never will be by itself. */
  settle(connection: C): Promise<void>
  /** Why a connection is `broken`, as the error that its user gets. */
  whyBroken(connection: C): Error | undefined
  /** Whether an open connection keeps the process running. Until this is called it does. Synchronous, never throws. */
  holdProcess(connection: C, hold: boolean): void
}

/**
 * All that the engine needs to know about a database: six methods, and groups of capabilities, each there as a whole or
 * not at all. Every wait is bounded by the engine; a driver needs no timers of its own.
 */
export interface Driver<C extends object> {
  /** For messages. */
  readonly name: string
  connect(endpoint: Endpoint, context: ConnectContext): Promise<C>
  /** Asks the server something cheap; rejects if the connection does not work. */
  validate(connection: C): Promise<void>
  /** The state a connection is in right now. Synchronous and cheap: it runs on every release. */
  inspect(connection: C): ConnectionCondition
  /** Says goodbye to the server. The engine destroys the connection if this takes too long. */
  close(connection: C): Promise<void>
  /**
   * Cuts the connection off at once, cancelling what still runs on the server. Never throws.
   *
   * @param reason for those whose statements are cut off with it
   */
  destroy(connection: C, reason?: Error): void
  classify(error: unknown): FailureKind
  /** Without it `manager.transaction` is refused. */
  readonly transactions?: Transactions<C>
  /** Without it borrowers get the connection itself, in the state in which the one before has left it. */
  readonly session?: Sessions<C>
  /** Without it texts are reported as they are. */
  readonly statements?: Statements
  /** Without it a probe is a connection that is validated, and endpoints are independent servers. */
  readonly replication?: Replication<C>
  /** Without it leak reports tell no statement, and a connection in use is destroyed rather than waited for. */
  readonly activity?: Activity<C>
}

/** True if a failure is the answer of a server that works: it could not run the statement at that moment. */
export function isAnswer(kind: FailureKind): boolean {
  return kind === 'statement' || kind === 'serialization'
}

/** True if a connection that met this failure must not be lent again. */
export function isFatal(kind: FailureKind): boolean {
  return kind === 'lost' || kind === 'shutdown' || kind === 'read-only' || kind === 'unreachable'
}

/** Asks how a server is over a connection of the pool, by what the driver has for that. */
export async function askOver<C extends object>(
  driver: Driver<C>,
  endpoint: Endpoint,
  connection: C,
): Promise<ProbeResult> {
  if (driver.replication !== undefined) return driver.replication.ask(connection)
  await driver.validate(connection)
  return { role: endpoint.role ?? 'unknown', writable: endpoint.role !== 'standby' }
}
