import type { Database } from '../database.js'
import { ChaosContext } from './context.js'
import type { Orm } from './orms.js'
import { SCENARIOS } from './scenarios/index.js'

export const POSTGRESQL: Database<ChaosContext> = {
  scenarios: SCENARIOS,
  orms: ['pg', 'typeorm', 'prisma', 'drizzle'],
  createContext: (orm, show) => new ChaosContext(orm as Orm, show),
  // npm has installed the servers.
  prepare: () => {},
}
