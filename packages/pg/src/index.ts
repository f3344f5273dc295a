export { ConnectionBudget, once, redactUrl } from '@connmgr/core'
export type { AbortableQuery } from './aborted-query.js'
export { classify } from './classify.js'
export { PgConnectionManager } from './connection-manager.js'
export { createConnectionManager } from './create-connection-manager.js'
export { PgDriver } from './driver.js'
export { endpointFrom } from './endpoint-config.js'
export { failoverEndpoints } from './endpoint-options.js'
export type {
  ListenOptions,
  Notification,
  NotificationGap,
  NotificationGapEvent,
  NotificationHandler,
} from './listen/listen-options.js'
export { type ConnectOptions, ManagedPool, type ReplayableQuery } from './managed-pool.js'
export { PG_OPTION_NAMES, type PgManagerOptions } from './manager-options.js'
export {
  blueprintOf,
  type ManagedPoolConfig,
  type PoolBlueprint,
  type TranslatedPool,
  translatePoolConfig,
} from './pool-config.js'
export type { PlanCounts } from './prepared/plan-counts.js'
export type { PreparedStatementsOffEvent, StatementStats } from './prepared/preparing.js'
export type { StatementTimes } from './prepared/statement-times.js'
export type { PlanJump } from './prepared/times/plan-times.js'
export type { RunTimes } from './prepared/times/recent-times.js'
export type { ClientClass } from './session-opener.js'
export type { SharedOptions } from './shared/sharing.js'
export { createTenants, PgTenants, type PgTenantsOptions } from './tenants.js'
export { type DnsTopologyOptions, dnsTopology, type Resolve } from './topology/dns.js'
export {
  type PatroniAnswer,
  type PatroniTopologyOptions,
  patroniTopology,
} from './topology/patroni.js'
