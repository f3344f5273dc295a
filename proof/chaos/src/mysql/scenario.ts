import type { Scenario as AnyScenario } from '../scenario.js'
import type { ChaosContext } from './context.js'

export type { Measurements } from '../scenario.js'
/** A fault of servers of MySQL or MariaDB. Where PostgreSQL has the same one, it has the same number; those of theirs alone begin at 101. */
export type Scenario = AnyScenario<ChaosContext>
