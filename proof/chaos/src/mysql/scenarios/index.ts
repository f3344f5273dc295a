import type { Scenario } from '../scenario.js'
import { scenario as primaryCrash } from './01-primary-crash.js'
import { scenario as quickRestart } from './07-quick-restart.js'
import { scenario as frozenPrimary } from './10-frozen-primary.js'
import { scenario as blackHole } from './13-black-hole.js'
import { scenario as oldPrimaryWritable } from './24-old-primary-writable.js'
import { scenario as readOnlyPrimary } from './28-read-only-primary.js'
import { scenario as wrongPassword } from './38-wrong-password.js'
import { scenario as noRoom } from './41-no-room.js'
import { scenario as synchronousWaitKilled } from './47-synchronous-wait-killed.js'
import { scenario as killedConnections } from './101-killed-connections.js'
import { scenario as divergedPrimary } from './102-diverged-primary.js'
import { scenario as asynchronousCrash } from './103-asynchronous-crash.js'

/** All scenarios, by their numbers. */
export const SCENARIOS: readonly Scenario[] = [
  primaryCrash,
  quickRestart,
  frozenPrimary,
  blackHole,
  oldPrimaryWritable,
  readOnlyPrimary,
  wrongPassword,
  noRoom,
  synchronousWaitKilled,
  killedConnections,
  divergedPrimary,
  asynchronousCrash,
]
