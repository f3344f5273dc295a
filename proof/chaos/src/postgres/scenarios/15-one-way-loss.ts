import { SILENCE_TARGETS, surviveSilence } from '../../scenarios/silent-primary.js'
import type { Scenario } from '../scenario.js'

/** Answers of the primary are lost on their way; questions to it arrive. So writes happen without an answer. */
export const scenario: Scenario = {
  id: 15,
  name: 'everything that the primary sends is lost',
  targets: SILENCE_TARGETS,
  async run(context) {
    const service = await context.service({ proxied: true })
    return surviveSilence(context, service, {
      fall: (each) => each.proxyOf(each.primary).blackHole('to-client'),
      end: (each) => each.proxyOf(each.primary).heal(),
    })
  },
}
