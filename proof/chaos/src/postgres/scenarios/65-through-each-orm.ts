import type { Measurements, Scenario } from '../scenario.js'
import { scenario as primaryCrash } from './01-primary-crash.js'
import { scenario as frozenPrimary } from './10-frozen-primary.js'
import { scenario as begunBeforePromotion } from './22-begun-before-promotion.js'
import { scenario as commitInFlight } from './46-commit-in-flight.js'

const ORMS = ['typeorm', 'prisma', 'drizzle'] as const
const FAULTS = [primaryCrash, frozenPrimary, begunBeforePromotion, commitInFlight]

/** What holds for plain node-postgres holds through each ORM. */
export const scenario: Scenario = {
  id: 65,
  name: 'a crash, a freeze, a refusal and a cut COMMIT through TypeORM, Prisma and Drizzle',
  throughOrm: false,
  deadlineMs: 300_000,
  async run(context) {
    const measured: Measurements = {}
    for (const orm of ORMS) {
      for (const fault of FAULTS) {
        context.step(`${fault.id}. ${fault.name}, through ${orm}`)
        const own = await context.within(orm, (inner) => fault.run(inner))
        for (const name of ['failed', 'unknown', 'lost', 'duplicated', 'connectionsLeft'])
          measured[name] = (measured[name] ?? 0) + (own[name] ?? 0)
        for (const name of ['detectionMs', 'firstWriteMs'])
          measured[name] = Math.max(measured[name] ?? 0, own[name] ?? 0)
      }
    }
    return measured
  },
}
