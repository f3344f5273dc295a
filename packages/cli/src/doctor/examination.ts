import type { ServerRole, TlsFacts } from '../databases/opened.js'
import type { DatabaseKind } from '../targets.js'
import type { Finding, NotSeen } from './finding.js'
import type { NetworkFacts } from './network.js'

/** A fact of a server, for the report: a number, a text, a switch, or null for what was not seen. */
export type Fact = string | number | boolean | null

/** What `doctor` has learnt of one server. */
export interface ServerReport {
  /** `host:port/database`, or the path of a file. Never with a password. */
  readonly endpoint: string
  readonly database: DatabaseKind
  readonly reachable: boolean
  /** Why it could not be reached; null if it could. */
  readonly error: string | null
  /** From the first packet to the end of the login. */
  readonly connectMs: number | null
  readonly version: string | null
  readonly role: ServerRole['role'] | null
  readonly writable: boolean | null
  readonly tls: TlsFacts | null
  readonly network: NetworkFacts | null
  /** By name; which names there are depends on the database. */
  readonly facts: Readonly<Record<string, Fact>>
  /** Open connections by application and role, the most first. */
  readonly connections: readonly ConnectionCount[]
}

/** Connections of one application. */
export interface ConnectionCount {
  /** Empty for those that give no name. */
  readonly application: string
  readonly user: string
  readonly connections: number
}

/** One server, examined. */
export interface Examination {
  readonly server: ServerReport
  readonly findings: readonly Finding[]
  readonly notSeen: readonly NotSeen[]
  /** Compared with those of the other servers. */
  readonly identity: Identity | undefined
}

/** What tells servers, and clusters, from each other. */
export interface Identity {
  readonly role: ServerRole
  readonly databaseName: string | undefined
  readonly lagMs: number | undefined
  /** Standbys that are connected to it, if it is a primary. */
  readonly standbys: number | undefined
}
