import type { ConnectContext, Endpoint, Role } from './contract.js'

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
 * - `unknown`: the positions do not say
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
