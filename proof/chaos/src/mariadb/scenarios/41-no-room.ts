import { type Connection, createConnection } from 'mysql2/promise'
import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'

const FULL_MS = 4000
const MOST_CONNECTIONS = 30
const MOST_ATTEMPTS = 20

/** Others have taken every connection of the new primary: callers wait, and it is not stormed. */
export const scenario: Scenario = {
  id: 41,
  name: 'the new primary has no connection to spare (max_connections)',
  quick: true,
  targets: { detectionMs: 50, recoveredMs: 1500 },
  async run(context) {
    const service = await context.service({
      cluster: { maxConnections: MOST_CONNECTIONS },
      load: { readsPerSecond: 0 },
    })
    const { manager, primary, recorder, standby } = service
    context.step('others take every connection of the replica')
    const others: Connection[] = []
    const leave = () => Promise.all(others.splice(0).map((each) => each.end()))
    context.defer(leave)
    while (await takesAnother(others, standby.url()));
    context.step('kill -9 of the primary, the replica is promoted')
    const crashedAt = now()
    await primary.crash()
    // Through the door of the lab: a client that watches would find no room.
    await standby.promote()
    const fullAt = now()
    await context.sleep(FULL_MS)
    const attempts = recorder
      .of('connectionFailed', fullAt)
      .filter(({ event }) => event.endpoint === service.endpointOf(standby)).length
    context.expect(attempts < MOST_ATTEMPTS, `${attempts} attempts to connect in ${FULL_MS} ms`)
    const { activeEndpoint } = manager.getFailoverStatus()
    context.expect(
      activeEndpoint === service.endpointOf(standby),
      `the writer is ${activeEndpoint}`,
    )
    context.step('the others leave')
    const freeAt = now()
    await leave()
    await service.writes(20)
    const figures = await service.finish(standby)
    service.expectNoFailedAcquire()
    return {
      detectionMs: service.detectionMs(primary, crashedAt),
      attempts,
      recoveredMs: service.recoveredMs(freeAt),
      ...figures,
    }
  },
}

async function takesAnother(taken: Connection[], url: string): Promise<boolean> {
  try {
    const connection = await createConnection(url)
    connection.on('error', () => {})
    taken.push(connection)
    return true
  } catch (error) {
    // ER_CON_COUNT_ERROR: there is no room left, which is what was wanted.
    if ((error as { errno?: number }).errno === 1040) return false
    throw error
  }
}
