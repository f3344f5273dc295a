import { CALL_RULES } from '@connmgr/core/driver'
import { durationText } from '../../words/duration-text.js'
import type { AlertRule, RuleOverrides } from '../rule.js'
import { COUNT, readyRule } from './rule-options.js'

/** When a statement counts as slow. */
export interface SlowStatementsOptions extends RuleOverrides {
  /** Mean run time in the window. `@default` 1000 */
  readonly meanRunMs?: number
  /** Calls in the window that a mean needs. `@default` 5 */
  readonly minCalls?: number
  /** At most ten minutes. `@default` 300_000 */
  readonly windowMs?: number
}

/**
 * The same statement has taken long, on average, in the latest minutes. One alert for each fingerprint; fires after a
 * minute. Needs insights.
 */
export function slowStatements(options: SlowStatementsOptions = {}): AlertRule {
  const { meanRunMs = 1000, minCalls = 5, windowMs = 300_000 } = options
  return readyRule(
    {
      name: 'ConnmgrSlowStatements',
      forMs: 60_000,
      keepFiringForMs: 300_000,
      when: ({ over }) =>
        (over(windowMs)?.statements ?? []).flatMap((each) =>
          each.calls < minCalls || each.meanRunMs < meanRunMs
            ? []
            : {
                summary: `${each.calls} calls of a statement took ${durationText(each.meanRunMs)} each: ${each.text.slice(0, MOST_SHOWN)}`,
                labels: { fingerprint: each.fingerprint },
                annotations: { statement: each.text },
                value: each.meanRunMs,
              },
        ),
    },
    options,
    { meanRunMs: CALL_RULES.milliseconds, minCalls: COUNT, windowMs: CALL_RULES.milliseconds },
  )
}

const MOST_SHOWN = 200
