import { Client } from 'pg'
import { NO_ROOM_TARGETS, surviveNoRoom } from '../../scenarios/no-room.js'
import type { Scenario } from '../scenario.js'

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
    const [databaseUrl, failoverUrl] = [primary.url({ user: 'app' }), standby.url({ user: 'app' })]
    const service = await context.service({
      nodes,
      load: { readsPerSecond: 0 },
      manager: { databaseUrl, failoverUrls: [failoverUrl] },
    })
    const measured = await surviveNoRoom(context, service, () => takeOne(failoverUrl))
    const { recoveredMs = Number.NaN } = measured
    context.expect(
      recoveredMs < NO_ROOM_TARGETS.recoveredMs,
      `the first write came after ${recoveredMs} ms`,
    )
    return measured
  },
}

async function takeOne(connectionString: string): Promise<Client | undefined> {
  const client = new Client({ connectionString })
  client.on('error', () => {})
  try {
    await client.connect()
  } catch {
    // There is no room left, which is what was wanted.
    return undefined
  }
  return client
}
