import { SILENCE_TARGETS, surviveSilence } from '../../silent-primary.js'
import type { Scenario } from '../scenario.js'

/** What the primary says is lost on its way; what it is told arrives. So writes happen that nobody hears of. */
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
