import type { IndexFault, SchemaFacts } from '@connmgr/insights'
import type { ServerRole } from '../../databases/opened.js'

/** Sessions of one application, as `pg_stat_activity` counts them. */
export interface ApplicationSessions {
  /** `application_name`; empty for those that give none. */
  readonly application: string
  readonly user: string
  readonly sessions: number
  readonly active: number
  readonly idleInTransaction: number
}

/** A session in a transaction that does nothing, or waits for a lock. */
export interface LateSession {
  readonly processId: number
  readonly application: string
  readonly user: string
  /** For how long it has been so. */
  readonly sinceMs: number
  /** Process ids of the sessions that it waits for. */
  readonly blockedBy: readonly number[]
}

/** A standby, as its primary sees it. */
export interface StandbyFacts {
  readonly application: string
  readonly state: string
  /** `async`, `sync`, `quorum`, `potential`; empty for what the role may not see. */
  readonly syncState: string
}

/** A replication slot that no standby reads. */
interface InactiveSlot {
  readonly name: string
  /** What the server keeps for it. */
  readonly retainedBytes: number
}

/** How old the oldest rows are, in transactions. */
export interface AgeFacts {
  readonly database: string
  readonly transactions: number
  readonly multixacts: number
}

/** A sequence, or a column that it fills, that runs out of numbers. */
interface SequenceFacts {
  readonly sequence: string
  /** From 0 to 1. */
  readonly used: number
}

/** What stands between the client and the server. */
export interface PoolerFacts {
  /** `none` shows in that the server has the process id that the client received at its login. */
  readonly kind: 'none' | 'pgbouncer' | 'some'
  /** Undefined if it has not shown. */
  readonly mode?: 'session' | 'transaction' | 'statement'
  /** Whether statements that a client has prepared are known in whatever session of the server it gets. */
  readonly tracksPrepared?: boolean
  /** As the pooler has it, where the role may ask it. */
  readonly version?: string
  readonly poolSize?: number
  readonly maxClients?: number
}

/** What a PostgreSQL server tells. Undefined is what could not be read. */
export interface PostgresFacts {
  readonly version: { readonly text: string; readonly number: number } | undefined
  readonly login: LoginFacts | undefined
  readonly role: ServerRole | undefined
  readonly lagMs: number | undefined
  /** As a new session of the role gets them, in the units of `pg_settings`. */
  readonly settings: ReadonlyMap<string, string>
  readonly sessions: readonly ApplicationSessions[] | undefined
  readonly idleInTransaction: readonly LateSession[] | undefined
  readonly blocked: readonly LateSession[] | undefined
  readonly standbys: readonly StandbyFacts[] | undefined
  readonly inactiveSlots: readonly InactiveSlot[] | undefined
  /** Transactions that are prepared for two phases, and how long ago. */
  readonly preparedTransactions:
    | readonly { readonly gid: string; readonly sinceMs: number }[]
    | undefined
  readonly ages: readonly AgeFacts[] | undefined
  readonly sequences: readonly SequenceFacts[] | undefined
  readonly statementsExtension: 'created' | 'available' | 'missing' | undefined
  readonly indexFaults: readonly IndexFault[] | undefined
  readonly unindexedForeignKeys: SchemaFacts['unindexedForeignKeys'] | undefined
  readonly pooler: PoolerFacts | undefined
}

/** Who has logged in, and what bounds that role. */
export interface LoginFacts {
  readonly user: string
  readonly database: string
  readonly superuser: boolean
  /** Whether the role sees what sessions of others do. */
  readonly seesAll: boolean
  /** Connections that the role, and that the database may have; undefined without a limit. */
  readonly roleLimit: number | undefined
  readonly databaseLimit: number | undefined
}
