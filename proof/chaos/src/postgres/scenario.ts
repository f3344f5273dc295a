import type { Scenario as AnyScenario } from '../scenario.js'
import type { ChaosContext } from './context.js'

export type { Measurements } from '../scenario.js'
/** A fault of PostgreSQL servers. */
export type Scenario = AnyScenario<ChaosContext>
