import { invalidOption } from '@connmgr/core/driver'
import type { InsightsSnapshot } from '../snapshot.js'
import { holderAdvice } from './advice/holders.js'
import { indexAdvice } from './advice/indexes.js'
import { lifetimeAdvice } from './advice/lifetimes.js'
import { planAdvice } from './advice/plans.js'
import { poolSizeAdvice } from './advice/pool-size.js'
import { statementAdvice } from './advice/statements.js'
import { transactionAdvice } from './advice/transactions.js'
import type { RecommendationFacts } from './facts.js'
import type { Recommendation } from './recommendation.js'

const RANKS = { critical: 0, warning: 1, info: 2 } as const

/**
 * What to change, by what was measured: the most severe and most expensive first. A pure function: the same for the same
 * input, and nothing for a pool that is well.
 *
 * @param facts what is known beyond the snapshot; each part adds verdicts
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION` if `instances` is no whole number above 0
 *
 * @example
 * const server = await readServerFacts(query, { database: 'postgresql' })
 * const [first] = recommendations(snapshot, { pool: poolFacts(manager), server, instances: 4 })
 */
export function recommendations(
  snapshot: InsightsSnapshot,
  facts: RecommendationFacts = {},
): Recommendation[] {
  const { instances = 1 } = facts
  if (!Number.isInteger(instances) || instances < 1)
    throw invalidOption('instances', instances, 'a whole number above 0')
  const found = [
    ...poolSizeAdvice(snapshot, facts),
    ...holderAdvice(snapshot, facts),
    ...statementAdvice(snapshot, facts),
    ...planAdvice(snapshot),
    ...indexAdvice(snapshot, facts),
    ...lifetimeAdvice(snapshot, facts),
    ...transactionAdvice(snapshot, facts),
  ]
  return found.sort((a, b) => RANKS[a.severity] - RANKS[b.severity] || b.costMs - a.costMs)
}
