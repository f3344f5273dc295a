import { CALL_RULES } from '@connmgr/core/driver'
import { durationText } from '../../words/duration-text.js'
import type { AlertRule, RuleOverrides } from '../rule.js'
import { readyRule } from './rule-options.js'

/** When a standby counts as too far behind. */
export interface ReplicationLagOptions extends RuleOverrides {
  /** `@default` 30_000 */
  readonly maxLagMs?: number
}

/** A standby is further behind the writer than `maxLagMs`. One alert for each; fires after 30 seconds. */
export function replicationLag(options: ReplicationLagOptions = {}): AlertRule {
  const { maxLagMs = 30_000 } = options
  return readyRule(
    {
      name: 'ConnmgrReplicationLag',
      forMs: 30_000,
      keepFiringForMs: 30_000,
      when: ({ failover, pool }) =>
        failover.endpoints.flatMap(({ active, id, lagMs }) =>
          active || lagMs === undefined || lagMs < maxLagMs
            ? []
            : {
                summary: `The standby ${id} of "${pool}" is ${durationText(lagMs)} behind, more than ${durationText(maxLagMs)}`,
                labels: { endpoint: id },
                value: lagMs,
              },
        ),
    },
    options,
    { maxLagMs: CALL_RULES.milliseconds },
  )
}
