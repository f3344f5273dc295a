export type {
  Alert,
  AlertSeverity,
  AlertSink,
  DeliveryContext,
  DiagnosedHeldIdle,
  DiagnosedHolder,
  Diagnosis,
} from './alerts/alert.js'
export { type Alerts, type AlertsStatus, alerts, type ListedAlert } from './alerts/alerts.js'
export { AlertDeliveryError, AlertRefusedError } from './alerts/delivery/alert-errors.js'
export type { SinkStatus } from './alerts/delivery/dispatcher.js'
export type { HeaderFields } from './alerts/delivery/receiver.js'
export type { AlertsOptions, RuleFunction } from './alerts/options.js'
export type { AlertProblem } from './alerts/problem.js'
export type {
  AlertRule,
  Finding,
  InsightsSource,
  RuleContext,
  RuleOutcome,
  RuleOverrides,
  RuleWindow,
  StatementWindow,
  WatchedManager,
} from './alerts/rule.js'
export type { CallersWaitingOptions } from './alerts/rules/callers-waiting.js'
export type { ErrorRateOptions } from './alerts/rules/error-rate.js'
export type { PoolExhaustedOptions } from './alerts/rules/pool-exhausted.js'
export type { ReplicationLagOptions } from './alerts/rules/replication-lag.js'
export type { SlowStatementsOptions } from './alerts/rules/slow-statements.js'
export { rules } from './alerts/rules.js'
export type { AlertmanagerOptions } from './alerts/sinks/alertmanager.js'
export type { PagerDutyOptions } from './alerts/sinks/pager-duty.js'
export type { HttpSinkOptions, SinkOptions } from './alerts/sinks/sink-options.js'
export type { SlackOptions } from './alerts/sinks/slack.js'
export type { WebhookOptions } from './alerts/sinks/webhook.js'
export { sinks } from './alerts/sinks.js'
export { Insights, insights } from './insights.js'
export {
  type ExpectNoNPlusOneOptions,
  expectNoNPlusOne,
  NPlusOneError,
} from './n-plus-one/expect-no-n-plus-one.js'
export type { InsightsOptions, NPlusOneOptions } from './options.js'
export {
  type MeasuredManager,
  type PoolFacts,
  poolFacts,
  type RecommendationFacts,
} from './recommendations/facts.js'
export { type IndexCandidate, indexCandidates } from './recommendations/index-candidates.js'
export { proveIndexes } from './recommendations/prove-indexes.js'
export type {
  Recommendation,
  RecommendationCode,
  RecommendationSeverity,
} from './recommendations/recommendation.js'
export { recommendations } from './recommendations/recommendations.js'
export type { ReportFormat } from './report/report.js'
export type { QueryRows } from './server-facts/query-rows.js'
export {
  type IndexFault,
  readSchemaFacts,
  type ScannedTable,
  type SchemaFacts,
  type UnindexedForeignKey,
} from './server-facts/schema-facts.js'
export {
  type ExtensionState,
  readServerFacts,
  type ServerFacts,
  type ServerFactsOptions,
  type ServerTimeouts,
} from './server-facts/server-facts.js'

export type * from './snapshot.js'
