import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connectionManagers } from '@connmgr/core'
import { type Dashboard, dashboard } from '@connmgr/dashboard'
import { type Insights, insights } from '@connmgr/insights'

const HOST = '127.0.0.1'

/** The page that shows the demo's managers live, on a free port of this machine. */
export class LivePage {
  readonly url: string
  readonly #server: Server
  readonly #dashboard: Dashboard
  readonly #insights: readonly Insights[]

  private constructor(server: Server, mounted: Dashboard, watched: readonly Insights[]) {
    this.#server = server
    this.#dashboard = mounted
    this.#insights = watched
    this.url = `http://${HOST}:${(server.address() as AddressInfo).port}/`
  }

  /** Shows the managers there are now. */
  static async open(title: string): Promise<LivePage> {
    const managers = connectionManagers().map(({ manager }) => manager)
    const watched = managers.map((manager) => insights(manager))
    const mounted = dashboard(managers, { title, insights: watched, intervalMs: 250 })
    const server = createServer(mounted)
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve))
    return new LivePage(server, mounted, watched)
  }

  async close(): Promise<void> {
    this.#dashboard.close()
    for (const each of this.#insights) await each.close()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
