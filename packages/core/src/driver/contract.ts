import type { FailureKind } from './failure-kind.js'
import type { Replication } from './replication.js'
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
