/** What a server was last seen to be. `unknown` until a probe has answered. */
export type Role = 'primary' | 'standby' | 'unknown'

/** One address of a database. `id` is safe to print: it never holds credentials. */
export interface Endpoint {
  /** `host:port/database`, unique within a manager. */
  readonly id: string
  readonly host: string
  readonly port: number
  readonly database?: string
  /** What the driver needs to connect. May hold secrets; never printed, so keep it non-enumerable. */
  readonly config: unknown
}

/**
 * What went wrong, in the terms that decide what happens next.
 *
 * - `lost`: the connection is gone; what was in flight has an unknown outcome
 * - `unreachable`: no connection came about (refused, reset, DNS, connect timeout)
 * - `starting`: the server is there but not ready yet (57P03)
 * - `busy`: the server is there but has no room (53300)
 * - `setup`: nothing but a person can mend it (bad credentials, missing database, TLS)
 * - `shutdown`: the server reported that it ended the session (57P01, 57P02)
 * - `read-only`: the server refused a write without effect (25006)
 * - `serialization`: an ordinary conflict (40001, 40P01)
 * - `statement`: any other error of a statement; the connection is fine
 */
export type FailureKind =
  | 'lost'
  | 'unreachable'
  | 'starting'
  | 'busy'
  | 'setup'
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
 * `busy` is mid-query, `transaction` is inside an open or aborted transaction, `broken` cannot be used again.
 */
export type ConnectionCondition = 'clean' | 'transaction' | 'busy' | 'broken'

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
}

/** Limits and listeners of one attempt to connect. */
export interface ConnectContext {
  /** Aborted when the attempt's deadline passes or the pool closes; the driver then destroys its socket. */
  readonly signal: AbortSignal
  /** Called for as long as the connection lives. Never throws. */
  readonly onSignal: (signal: ConnectionSignal) => void
}

/** How a connection is cleaned between two borrowers, apart from an open transaction, which is always rolled back. */
export type ResetPolicy<C> =
  | 'none'
  | 'reset-all'
  | 'discard-all'
  | ((connection: C) => Promise<void>)

/** What {@link Driver.begin} is asked for. */
export interface TransactionOptions {
  /** `@default` the server's own setting */
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable'
  /** `@default` false */
  readonly readOnly?: boolean
}

/** One answer of a server about itself. */
export interface ProbeResult {
  readonly role: Role
  /** False for a primary that refuses writes (`default_transaction_read_only`). */
  readonly writable: boolean
  /** Names the cluster: replicas of one cluster share it. Undefined where the database has no such thing. */
  readonly systemId?: string
  /** Rises with every promotion. */
  readonly timeline?: number
  /** Position in the write-ahead log: written on a primary, replayed on a standby. */
  readonly position?: bigint
  /** When the server process started, as the server says it; tells a restart. */
  readonly startedAt?: string
}

/** A place in the write-ahead log of one server, as {@link Driver.writePosition} finds it. */
export interface WritePosition {
  /** As in {@link ProbeResult}. */
  readonly systemId?: string | undefined
  /** As in {@link ProbeResult}. */
  readonly timeline?: number | undefined
  /** Everything committed so far lies before it. */
  readonly position: bigint
}

/** How far a standby is, as {@link Driver.replayPosition} finds it. */
export interface ReplayPosition {
  /**
   * The highest timeline that it is known to follow. Too low is safe: then it counts as not having replayed what was
   * written on a later one.
   */
  readonly timeline?: number | undefined
  readonly position: bigint
}

/** A connection of the health monitor's own, kept outside the pool. */
export interface Probe {
  check(signal: AbortSignal): Promise<ProbeResult>
  /** Immediate, never throws. */
  destroy(): void
}

/**
 * All that the engine needs to know about a database. Every wait is bounded by the engine; a driver
 * needs no timers of its own.
 */
export interface Driver<C extends object> {
  /** For messages: `postgresql`. */
  readonly name: string
  connect(endpoint: Endpoint, context: ConnectContext): Promise<C>
  /** Asks the server something cheap; rejects if the connection does not work. Brings `role` up to date. */
  validate(connection: C): Promise<void>
  /** The role the server last told this connection. Synchronous; nothing is sent. */
  role?(connection: C): Role
  /** The state a connection is in right now. Synchronous and cheap: it runs on every release. */
  inspect(connection: C): ConnectionCondition
  /** Resolves once a `busy` connection is no longer so. */
  settle?(connection: C): Promise<void>
  reset?(connection: C, policy: 'reset-all' | 'discard-all'): Promise<void>
  begin?(connection: C, options: TransactionOptions): Promise<void>
  commit?(connection: C): Promise<void>
  rollback?(connection: C): Promise<void>
  /** On a primary: how far it has written. With {@link replayPosition}, what reading one's own writes takes. */
  writePosition?(connection: C): Promise<WritePosition>
  /** On a standby: up to where what was written can be read. Undefined if the server is none any more. */
  replayPosition?(connection: C): Promise<ReplayPosition | undefined>
  activity?(connection: C): ConnectionActivity
  /** A statement's shape: without literals, comments and superfluous blanks. Where its text is unclear it is cut off, with `…`. */
  fingerprint?(text: string): string
  /** Says goodbye to the server. The engine destroys the connection if this takes too long. */
  close(connection: C): Promise<void>
  /**
   * Cuts the connection off at once, cancelling what still runs on the server. Never throws.
   *
   * @param reason for those whose statements are cut off with it
   */
  destroy(connection: C, reason?: Error): void
  classify(error: unknown): FailureKind
  openProbe?(endpoint: Endpoint, context: ConnectContext): Promise<Probe>
}

/** True if a connection that met this failure must not be lent again. */
export function isFatal(kind: FailureKind): boolean {
  return kind === 'lost' || kind === 'shutdown' || kind === 'read-only' || kind === 'unreachable'
}
