import { CRASH_TARGETS, surviveCrash } from '../../scenarios/primary-crash.js'
import type { Scenario } from '../scenario.js'

export const scenario: Scenario = {
  id: 1,
  name: 'the primary crashes, a replica is promoted',
  quick: true,
  targets: CRASH_TARGETS,
  run: async (context) => surviveCrash(context, await context.service()),
}
