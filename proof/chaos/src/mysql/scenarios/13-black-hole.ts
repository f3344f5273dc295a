import { BLACK_HOLE, SILENCE_TARGETS, surviveSilence } from '../../scenarios/silent-primary.js'
import type { Scenario } from '../scenario.js'

export const scenario: Scenario = {
  id: 13,
  name: 'black hole on established sockets',
  quick: true,
  targets: SILENCE_TARGETS,
  async run(context) {
    const service = await context.service({ proxied: true })
    return surviveSilence(context, service, BLACK_HOLE)
  },
}
