import { CRASH_TARGETS } from '../../scenarios/primary-crash.js'
import { fenceReturning } from '../../scenarios/returning-primary.js'
import type { Scenario } from '../scenario.js'

export const scenario: Scenario = {
  id: 24,
  name: 'the old primary returns as a primary on a lower timeline',
  quick: true,
  targets: CRASH_TARGETS,
  async run(context) {
    const service = await context.service()
    return fenceReturning(context, service, { start: () => service.primary.start() })
  },
}
