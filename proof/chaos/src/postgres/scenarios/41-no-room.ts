import { Client } from 'pg'
import { now } from '../../now.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

const FULL_MS = 4000

/** Others have taken every connection of the new primary: callers wait, and it is not stormed. */
export const scenario: Scenario = {
  id: 41,
  name: 'the new primary has no connection to spare (53300)',
  throughOrm: false,
  async run(context) {
    const cluster = await context.cluster({ standbys: 1, synchronous: true, maxConnections: 30 })
    const { nodes } = cluster
    const [primary, standby] = nodes
    if (primary === undefined || standby === undefined) throw new Error('there are too few servers')
    await primary.query('create role app login')
    await primary.query('grant all on ledger, ledger_row_seq to app')
    await standby.waitForReplay(primary)
    const service = await context.service({
      nodes,
      load: { readsPerSecond: 0 },
      manager: {
        databaseUrl: primary.url({ user: 'app' }),
        failoverUrls: [standby.url({ user: 'app' })],
      },
    })
    const { manager, recorder } = service
    context.step('others take every connection of the standby')
    const others: Client[] = []
    context.defer(() => Promise.all(others.map((each) => each.end())))
    while (await takesAnother(others, standby.url({ user: 'app' })));
    context.step('kill -9 of the primary, the standby is promoted')
    const crashedAt = now()
    await primary.crash()
    await promote(standby)
    const fullAt = now()
    await context.sleep(FULL_MS)
    const attempts = recorder
      .of('connectionFailed', fullAt)
      .filter(({ event }) => event.endpoint === service.endpointOf(standby)).length
    context.expect(attempts < 20, `${attempts} attempts to connect in ${FULL_MS} ms`)
    const { activeEndpoint } = manager.getFailoverStatus()
    context.expect(
      activeEndpoint === service.endpointOf(standby),
      `the writer is ${activeEndpoint}`,
    )
    context.step('the others leave')
    const freeAt = now()
    await Promise.all(others.splice(0).map((each) => each.end()))
    await service.writes(20)
    const recoveredMs = service.recoveredMs(freeAt)
    context.expect(recoveredMs < 1500, `the first write came after ${recoveredMs} ms`)
    const figures = await service.finish(standby)
    service.expectNoFailedAcquire()
    return {
      detectionMs: service.detectionMs(primary, crashedAt),
      attempts,
      recoveredMs,
      ...figures,
    }
  },
}

async function takesAnother(taken: Client[], connectionString: string): Promise<boolean> {
  const client = new Client({ connectionString })
  client.on('error', () => {})
  try {
    await client.connect()
  } catch {
    // There is no room left, which is what was wanted.
    return false
  }
  taken.push(client)
  return true
}
