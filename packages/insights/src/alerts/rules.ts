import type { AlertRule } from './rule.js'
import { callersWaiting } from './rules/callers-waiting.js'
import { errorRate } from './rules/error-rate.js'
import { leaks } from './rules/leaks.js'
import { noWriter } from './rules/no-writer.js'
import { poolExhausted } from './rules/pool-exhausted.js'
import { replicationLag } from './rules/replication-lag.js'
import { slowStatements } from './rules/slow-statements.js'

/**
 * The ready rules of {@link alerts}. Each takes overrides: its name, severity, times, labels, annotations and thresholds.
 *
 * @example
 * alerts({ rules: [rules.leaks({ severity: 'critical' }), rules.errorRate({ ratio: 0.01 })], sinks })
 */
export const rules = {
  poolExhausted,
  callersWaiting,
  leaks,
  noWriter,
  replicationLag,
  slowStatements,
  errorRate,
  /** All of them, with their defaults. */
  all: (): AlertRule[] => [
    poolExhausted(),
    callersWaiting(),
    leaks(),
    noWriter(),
    replicationLag(),
    slowStatements(),
    errorRate(),
  ],
} as const
