import { FROZEN, SILENCE_TARGETS, surviveSilence } from '../../scenarios/silent-primary.js'
import type { Scenario } from '../scenario.js'

export const scenario: Scenario = {
  id: 10,
  name: 'the process of the primary is stopped (SIGSTOP)',
  quick: true,
  targets: SILENCE_TARGETS,
  async run(context) {
    const service = await context.service()
    return surviveSilence(context, service, FROZEN)
  },
}
