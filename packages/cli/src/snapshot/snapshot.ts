import type {
  EndpointStatus,
  FailoverStatus,
  HealthStats,
  LeaseReport,
  PoolCounts,
  PoolMetrics,
  PoolPercentiles,
} from '@connmgr/core'

/** Rises when a field of the snapshot changes its meaning or goes; fields may be added without. */
export const SNAPSHOT_SCHEMA_VERSION = 1

/** The state of a process's managers, as `top --json` and `report --json` print it. Dates are ISO 8601 there. */
export interface ProcessSnapshot {
  readonly schemaVersion: typeof SNAPSHOT_SCHEMA_VERSION
  readonly at: string
  readonly process: ProcessFacts
  readonly managers: readonly ManagerSnapshot[]
}

/** The process that a snapshot is of. */
export interface ProcessFacts {
  readonly pid: number
  readonly host: string
  readonly node: string
  /** The program's file, without its folder. */
  readonly program: string
  /** Its working directory, which files of holders are shown relative to. */
  readonly directory: string
  readonly uptimeMs: number
  /** Resident memory. */
  readonly rssBytes: number
}

/** One manager, as it was. */
export interface ManagerSnapshot {
  /** With a number if several of the process have it, as `orders#2`. */
  readonly name: string
  readonly healthy: boolean
  /** `healthy`, `degraded`, `unhealthy` and so on, as `getHealthStatus()` says. */
  readonly status: string
  readonly reason: string | null
  readonly pool: PoolMetrics
  readonly counts: PoolCounts
  /** Since the manager was made. */
  readonly times: PoolPercentiles
  /** Connections that are lent now, the longest first. */
  readonly holders: readonly LeaseReport[]
  /** Leases that are reported as leaked now. */
  readonly leaks: readonly LeaseReport[]
  readonly endpoints: readonly EndpointSnapshot[]
  readonly failover: FailoverSnapshot
  readonly health: HealthStats
  /** Null where no insights were given. */
  readonly insights: InsightsExcerpt | null
}

/** One endpoint, with the counts of its pool. */
export interface EndpointSnapshot extends EndpointStatus {
  readonly pool: PoolMetrics
}

/** Failovers of a manager. */
export type FailoverSnapshot = Pick<
  FailoverStatus,
  | 'state'
  | 'activeEndpoint'
  | 'epoch'
  | 'failovers'
  | 'switchovers'
  | 'failbacks'
  | 'failedAttempts'
  | 'lastEvent'
>

/** What insights tell. */
export interface InsightsExcerpt {
  /** By run time, longest in total first. */
  readonly statements: readonly HotStatement[]
  /** The gravest first. */
  readonly recommendations: readonly Recommendation[]
}

/** A statement's shape, and what it costs. Never with values. */
export interface HotStatement {
  readonly text: string
  /** `file:line`; null if it is not known. */
  readonly site: string | null
  readonly calls: number
  readonly errors: number
  readonly p95RunMs: number | null
  readonly p95WaitMs: number | null
  /** Of the run time of all statements, from 0 to 1; null if it is not known. */
  readonly share: number | null
}

/** A verdict of insights. */
export interface Recommendation {
  readonly code: string | null
  readonly severity: string | null
  readonly title: string
  readonly evidence: readonly string[]
  readonly fix: string | null
  /** `file:line` that it is about; null if it is about none. */
  readonly site: string | null
}
