import { setTimeout as delay } from 'node:timers/promises'
import { findFreePort } from '../free-port.js'
import { PortTakenError, type ServerProcess } from './server-process.js'

const MOST_ATTEMPTS = 20
const WAIT_MS = 250

/**
 * Starts a server on its port, and waits for the port if something else is using it.
 *
 * @param known 0 if the server has no port yet: it gets a free one
 */
export async function startOnPort(
  known: number,
  start: (port: number) => Promise<ServerProcess>,
): Promise<{ readonly server: ServerProcess; readonly port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = known || (await findFreePort())
    try {
      return { server: await start(port), port }
    } catch (error) {
      if (!(error instanceof PortTakenError) || attempt === MOST_ATTEMPTS) throw error
      // A port that has been used before has to be waited for; the first one can be another.
      if (known !== 0) await delay(WAIT_MS)
    }
  }
}
