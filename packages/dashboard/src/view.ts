import type {
  EndpointStatus,
  HealthStats,
  LeaseReport,
  PoolCounts,
  PoolMetrics,
  PoolPercentiles,
  PoolSettings,
  ReadinessStatus,
} from '@connmgr/core'
import type {
  BlockingEdge,
  HeldIdleStats,
  NPlusOneVerdict,
  SlowQuery,
  StatementStats,
} from '@connmgr/insights'

/** What the page shows, as plain data. Dates arrive there as texts, ISO 8601. */
export interface DashboardView {
  readonly title: string
  readonly at: string
  /** Folder of the program, relative to which files are shown. */
  readonly directory: string
  readonly managers: readonly ManagerView[]
}

/** One manager, as it is now. */
export interface ManagerView {
  readonly id: number
  readonly name: string
  readonly verdict: Verdict
  /** As `getHealthStatus()` says. */
  readonly health: HealthView
  readonly pool: PoolMetrics
  readonly counts: PoolCounts
  /** Since the manager was made. */
  readonly times: PoolPercentiles
  /** Connections that are lent now, the longest first. */
  readonly holders: readonly HolderView[]
  readonly endpoints: readonly EndpointView[]
  /** Failovers, leaks, refusals and what else happened, the latest first. */
  readonly timeline: readonly TimelineEntry[]
  /** Undefined where no insights were given. */
  readonly insights: InsightsView | undefined
  readonly settings: PoolSettings
}

/** How a manager is, in words. */
export interface Verdict {
  readonly level: 'good' | 'warning' | 'bad'
  readonly headline: string
  /** What is wrong, and what it means for callers, the gravest first. */
  readonly findings: readonly string[]
}

/** What `getHealthStatus()` says, and what the latest check took. */
export interface HealthView {
  readonly status: ReadinessStatus
  readonly healthy: boolean
  readonly reason: string | undefined
  readonly monitored: boolean
  readonly resting: boolean
  readonly stats: HealthStats
}

/** Who holds a connection. */
export interface HolderView
  extends Pick<
    LeaseReport,
    | 'connectionId'
    | 'endpoint'
    | 'heldForMs'
    | 'label'
    | 'lastQuery'
    | 'leaseId'
    | 'longLived'
    | 'queryCount'
  > {
  /** `function (file:line:column)` of the caller. */
  readonly site: string | undefined
  readonly leaked: boolean
}

/** One server, with the counts of its pool. */
export interface EndpointView extends Omit<EndpointStatus, 'since'> {
  readonly since: string
  readonly pool: PoolMetrics
}

/** One event, in words. */
export interface TimelineEntry {
  readonly at: string
  readonly type: string
  readonly level: 'info' | 'warn' | 'error'
  readonly text: string
}

/** What insights tell. */
export interface InsightsView {
  readonly statements: readonly StatementStats[]
  readonly slow: readonly SlowQuery[]
  readonly nPlusOne: readonly NPlusOneVerdict[]
  readonly heldIdle: readonly HeldIdleStats[]
  readonly blocking: readonly BlockingEdge[]
  readonly recommendations: readonly RecommendationView[]
}

/** A verdict of insights and what mends it. */
export interface RecommendationView {
  readonly severity: string
  readonly title: string
  readonly fix: string
}
