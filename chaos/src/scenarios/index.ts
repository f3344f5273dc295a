import type { Scenario } from '../scenario.js'
import { scenario as primaryCrash } from './01-primary-crash.js'
import { scenario as fastShutdownIdle } from './03-fast-shutdown-idle.js'
import { scenario as frozenPrimary } from './10-frozen-primary.js'
import { scenario as promotionAfterDeath } from './19-promotion-after-death.js'

/** All scenarios, by their numbers. */
export const SCENARIOS: readonly Scenario[] = [
  primaryCrash,
  fastShutdownIdle,
  frozenPrimary,
  promotionAfterDeath,
].sort((a, b) => a.id - b.id)
