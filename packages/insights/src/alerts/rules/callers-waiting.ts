import { histogramQuantile } from '@connmgr/core'
import { CALL_RULES } from '@connmgr/core/driver'
import { durationText } from '../../words/duration-text.js'
import type { AlertRule, RuleOverrides } from '../rule.js'
import { forMostOfTheTime } from './most-of-the-time.js'
import { COUNT, RATIO, readyRule } from './rule-options.js'

/** When callers count as waiting. */
export interface CallersWaitingOptions extends RuleOverrides {
  /** So many callers that wait for most of the time between two evaluations. `@default` 1 */
  readonly waiting?: number
  /** How near to `acquireTimeoutMs` the 99th percentile of the waits may come, from 0 to 1. `@default` 0.8 */
  readonly deadlineShare?: number
  /** `@default` 60_000 */
  readonly windowMs?: number
}

/** Callers queue for connections all the time, or wait so long that they are near their deadline. Fires after a minute. */
export function callersWaiting(options: CallersWaitingOptions = {}): AlertRule {
  const { deadlineShare = 0.8, waiting = 1, windowMs = 60_000 } = options
  return readyRule(
    {
      name: 'ConnmgrCallersWaiting',
      forMs: 60_000,
      keepFiringForMs: 60_000,
      when: ({ metrics, over, pool, settings, sinceLast }) => {
        const wait = over(windowMs)?.wait
        const p99Ms = wait === undefined || wait.count === 0 ? 0 : histogramQuantile(wait, 0.99)
        const { acquireTimeoutMs } = settings
        const callersWait = forMostOfTheTime(
          sinceLast?.unmetDemand,
          waiting,
          metrics.waiting >= waiting,
        )
        if (!callersWait && p99Ms < deadlineShare * acquireTimeoutMs) return false
        return {
          summary:
            `${metrics.waiting} ${metrics.waiting === 1 ? 'caller waits' : 'callers wait'} for a connection of "${pool}"; ` +
            `those served lately had waited up to ${durationText(p99Ms)} (p99), of ${durationText(acquireTimeoutMs)} allowed`,
          value: metrics.waiting,
        }
      },
    },
    options,
    { waiting: COUNT, deadlineShare: RATIO, windowMs: CALL_RULES.milliseconds },
  )
}
