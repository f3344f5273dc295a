import { surviveRefusal, WRONG_PASSWORD } from '../../scenarios/refused-password.js'
import type { Scenario } from '../scenario.js'

export const scenario: Scenario = {
  id: 38,
  name: 'one standby refuses the credentials',
  targets: { firstWriteMs: 300 },
  async run(context) {
    const cluster = await context.cluster({
      standbys: 2,
      synchronous: true,
      hbaMethod: 'scram-sha-256',
    })
    const [primary, refusing, standby] = cluster.nodes
    if (primary === undefined || refusing === undefined || standby === undefined)
      throw new Error('there are too few servers')
    const service = await context.service({
      nodes: [primary, standby],
      manager: { failoverUrls: [refusing.url({ password: WRONG_PASSWORD }), standby.url()] },
    })
    return surviveRefusal(context, service, refusing)
  },
}
