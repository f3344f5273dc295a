import type { LeaseReport, ManagerHistograms, PoolMetrics, PoolSettings } from '@connmgr/core'
import type { SchemaFacts } from '../server-facts/schema-facts.js'
import type { ServerFacts } from '../server-facts/server-facts.js'
import type { IndexCandidate } from './index-candidates.js'

/** What a manager tells of its pools, for advice on sizes, lifetimes and holders. Plain data. */
export interface PoolFacts {
  readonly settings: PoolSettings
  readonly metrics: PoolMetrics
  readonly histograms: ManagerHistograms
  readonly holders: readonly LeaseReport[]
  readonly leaks: readonly LeaseReport[]
}

/** What recommendations may know beyond a snapshot of insights. Each part adds verdicts; none is needed. */
export interface RecommendationFacts {
  /** `poolFacts(manager)` */
  readonly pool?: PoolFacts
  /** `await readServerFacts(query, { database })` */
  readonly server?: ServerFacts
  /** `await readSchemaFacts(query)` */
  readonly schema?: SchemaFacts
  /** Candidates that were tried with `hypopg` (`proveIndexes`). `@default` those that follow from plans and `schema` */
  readonly indexes?: readonly IndexCandidate[]
  /** Processes with such a pool that share the server. `@default` 1 */
  readonly instances?: number
  /** After what silence the network forgets a connection: 350,000 for a NAT gateway of AWS, for example. `@default` not known */
  readonly networkTimeoutMs?: number
}

/** What {@link poolFacts} reads. Every `ConnectionManager` is one. */
export interface MeasuredManager {
  getPoolSettings(): PoolSettings
  getPoolMetrics(): PoolMetrics
  getHistograms(): ManagerHistograms
  getHolders(): LeaseReport[]
  detectLeaks(): LeaseReport[]
}

/** Reads what recommendations can use of a manager. */
export function poolFacts(manager: MeasuredManager): PoolFacts {
  return {
    settings: manager.getPoolSettings(),
    metrics: manager.getPoolMetrics(),
    histograms: manager.getHistograms(),
    holders: manager.getHolders(),
    leaks: manager.detectLeaks(),
  }
}
