import { CALL_RULES } from '@connmgr/core/driver'
import type { AlertRule, Finding, RuleOverrides } from '../rule.js'
import { COUNT, RATIO, readyRule } from './rule-options.js'

/** When errors count as many. */
export interface ErrorRateOptions extends RuleOverrides {
  /** Failures as a share of all, from 0 to 1. `@default` 0.05 */
  readonly ratio?: number
  /** Acquires, or statements, in the window that a rate needs. `@default` 20 */
  readonly minCount?: number
  /** At most ten minutes. `@default` 300_000 */
  readonly windowMs?: number
}

/**
 * Many acquires fail, or, with insights, many statements. An alert for each of the two, by the label `of`; fires after a
 * minute.
 */
export function errorRate(options: ErrorRateOptions = {}): AlertRule {
  const { minCount = 20, ratio = 0.05, windowMs = 300_000 } = options
  const finding = (of: string, pool: string, failed: number, all: number): Finding[] =>
    failed === 0 || all < minCount || failed / all < ratio
      ? []
      : [
          {
            summary: `${failed} of ${all} ${of} of "${pool}" failed, ${((100 * failed) / all).toFixed(1)} %`,
            labels: { of },
            value: failed / all,
          },
        ]
  return readyRule(
    {
      name: 'ConnmgrErrorRate',
      forMs: 60_000,
      keepFiringForMs: 60_000,
      when: ({ over, pool }) => {
        const window = over(windowMs)
        if (window === undefined) return false
        const { calls, checkouts, errors, failedCheckouts } = window
        return [
          ...finding('acquires', pool, failedCheckouts, checkouts + failedCheckouts),
          ...finding('statements', pool, errors, calls),
        ]
      },
    },
    options,
    { ratio: RATIO, minCount: COUNT, windowMs: CALL_RULES.milliseconds },
  )
}
