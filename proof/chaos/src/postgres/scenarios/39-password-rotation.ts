import { now } from '../../now.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

/** The password changes, and then the primary dies: each connect asks for the password anew. */
export const scenario: Scenario = {
  id: 39,
  name: 'the password is rotated in the middle of a failover',
  targets: { firstWriteMs: 300 },
  async run(context) {
    const cluster = await context.cluster({
      standbys: 1,
      synchronous: true,
      hbaMethod: 'scram-sha-256',
    })
    const { nodes } = cluster
    const [primary, standby] = nodes
    if (primary === undefined || standby === undefined) throw new Error('there are too few servers')
    await primary.query(`create role app login password 'first'`)
    await primary.query('grant all on ledger, ledger_row_seq to app')
    await standby.waitForReplay(primary)
    let password = 'first'
    let asked = 0
    const service = await context.service({
      nodes,
      manager: {
        databaseUrl: primary.url({ user: 'app', password: 'none' }),
        failoverUrls: [standby.url({ user: 'app', password: 'none' })],
        password: async () => {
          asked += 1
          return password
        },
      },
    })
    context.step('the password changes, and the primary dies')
    await primary.query(`alter role app password 'second'`)
    await standby.waitForReplay(primary)
    const crashedAt = now()
    await primary.crash()
    await context.sleep(300)
    password = 'second'
    const promotion = await promote(standby)
    await service.writes(20)
    const measured = await service.finish(standby)
    service.expectNoFailedAcquire()
    return {
      detectionMs: service.detectionMs(primary, crashedAt),
      firstWriteMs: service.firstWriteMs(promotion),
      passwordsAsked: asked,
      ...measured,
    }
  },
}
