import { CRASH_TARGETS } from '../../scenarios/primary-crash.js'
import { surviveRefusal, WRONG_PASSWORD } from '../../scenarios/refused-password.js'
import type { Scenario } from '../scenario.js'

export const scenario: Scenario = {
  id: 38,
  name: 'one replica refuses the password',
  quick: true,
  targets: CRASH_TARGETS,
  async run(context) {
    const cluster = await context.cluster({ replicas: 2, synchronous: true })
    const [primary, refusing, standby] = cluster.nodes
    if (primary === undefined || refusing === undefined || standby === undefined)
      throw new Error('there are too few servers')
    // A commit waits for any one replica, which must be the one that is promoted.
    await refusing.query(`stop ${refusing.product.replication.replica}`)
    const service = await context.service({
      nodes: [primary, standby],
      manager: { failoverUrls: [refusing.url({ password: WRONG_PASSWORD }), standby.url()] },
    })
    return surviveRefusal(context, service, refusing)
  },
}
