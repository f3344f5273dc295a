import type { HealthStatus, PoolMetrics } from '@connmgr/core'
import type { AlertRule, RuleContext, RuleOverrides } from '../rule.js'
import { readyRule } from './rule-options.js'

/** No server takes writes, or none lets this process in. Fires after 10 seconds. */
export function noWriter(options: RuleOverrides = {}): AlertRule {
  return readyRule(
    {
      name: 'ConnmgrNoWriter',
      severity: 'critical',
      forMs: 10_000,
      keepFiringForMs: 10_000,
      when: ({ failover, health, metrics, pool }: RuleContext) => {
        // A start has its own deadline, after which it is unhealthy.
        if (health.status === 'starting' || health.status === 'closed') return false
        if (isUntried(metrics, health)) return false
        const { activeEndpoint, state } = failover
        if (health.status !== 'unhealthy' && state === 'STEADY' && activeEndpoint !== undefined)
          return false
        return {
          summary: `No server takes writes of "${pool}" (${state}): ${health.reason ?? 'the latest writer is lost'}`,
        }
      },
    },
    options,
    {},
  )
}

/** Without callers and without monitoring no server was ever asked, which says nothing about servers. */
function isUntried(
  { connecting, failedCheckouts, totalCheckouts, waiting }: PoolMetrics,
  { healthStats }: HealthStatus,
): boolean {
  return totalCheckouts + failedCheckouts + waiting + connecting + healthStats.totalChecks === 0
}
