import type { Scenario } from '../scenario.js'
import { scenario as primaryCrash } from './01-primary-crash.js'
import { scenario as crashWithoutStandby } from './02-crash-without-standby.js'
import { scenario as fastShutdownIdle } from './03-fast-shutdown-idle.js'
import { scenario as quickRestart } from './07-quick-restart.js'
import { scenario as frozenPrimary } from './10-frozen-primary.js'
import { scenario as blackHole } from './13-black-hole.js'
import { scenario as halfOpen } from './18-half-open.js'
import { scenario as promotionAfterDeath } from './19-promotion-after-death.js'
import { scenario as plannedSwitchover } from './20-planned-switchover.js'
import { scenario as promotionUnderReads } from './21-promotion-under-reads.js'
import { scenario as demotedPrimary } from './23-demoted-primary.js'
import { scenario as oldTimeline } from './24-old-timeline.js'
import { scenario as splitBrain } from './25-split-brain.js'

/** All scenarios, by their numbers. */
export const SCENARIOS: readonly Scenario[] = [
  primaryCrash,
  crashWithoutStandby,
  fastShutdownIdle,
  quickRestart,
  frozenPrimary,
  blackHole,
  halfOpen,
  promotionAfterDeath,
  plannedSwitchover,
  promotionUnderReads,
  demotedPrimary,
  oldTimeline,
  splitBrain,
].sort((a, b) => a.id - b.id)
