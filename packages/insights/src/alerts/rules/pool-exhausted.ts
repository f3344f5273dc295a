import type { AlertRule, RuleOverrides } from '../rule.js'
import { forMostOfTheTime } from './most-of-the-time.js'
import { RATIO, readyRule } from './rule-options.js'

/** When a pool counts as exhausted. */
export interface PoolExhaustedOptions extends RuleOverrides {
  /**
   * Connections in use or waited for, for most of the time between two evaluations, as a share of the limit, from 0 to 1.
   * `@default` 1
   */
  readonly utilization?: number
}

/** Nearly every connection that the pool may open is in callers' hands. Fires after 30 seconds. */
export function poolExhausted(options: PoolExhaustedOptions = {}): AlertRule {
  const { utilization = 1 } = options
  return readyRule(
    {
      name: 'ConnmgrPoolExhausted',
      severity: 'critical',
      forMs: 30_000,
      keepFiringForMs: 30_000,
      when: ({ metrics, pool, sinceLast }) => {
        const { checkedOut, limit, waiting } = metrics
        if (limit === 0) return false
        const wanted = utilization * limit
        if (!forMostOfTheTime(sinceLast?.demand, wanted, checkedOut >= wanted)) return false
        return {
          summary: `${checkedOut} of ${limit} connections of "${pool}" are in use, and ${waiting} ${waiting === 1 ? 'caller waits' : 'callers wait'}`,
          value: metrics.utilization,
        }
      },
    },
    options,
    { utilization: RATIO },
  )
}
