import { type Connection, createConnection } from 'mysql2/promise'
import { NO_ROOM_TARGETS, surviveNoRoom } from '../../scenarios/no-room.js'
import type { Scenario } from '../scenario.js'

const MOST_CONNECTIONS = 30

export const scenario: Scenario = {
  id: 41,
  name: 'the new primary has no connection to spare (max_connections)',
  quick: true,
  targets: NO_ROOM_TARGETS,
  async run(context) {
    const service = await context.service({
      cluster: { maxConnections: MOST_CONNECTIONS },
      load: { readsPerSecond: 0 },
    })
    const url = service.standby.url()
    return surviveNoRoom(context, service, () => takeOne(url))
  },
}

async function takeOne(url: string): Promise<Connection | undefined> {
  try {
    const connection = await createConnection(url)
    connection.on('error', () => {})
    return connection
  } catch (error) {
    // ER_CON_COUNT_ERROR: there is no room left, which is what was wanted.
    if ((error as { errno?: number }).errno === 1040) return undefined
    throw error
  }
}
