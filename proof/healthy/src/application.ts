import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { PgConnectionManager } from '@connmgr/pg'
import type { Endpoint, Endpoints } from './endpoint.js'
import { drizzleEndpoints } from './endpoints/drizzle.js'
import { prismaEndpoints } from './endpoints/prisma.js'
import { typeormEndpoints } from './endpoints/typeorm.js'

/** An HTTP server with 20 endpoints, over three ORMs on one manager. */
export class Application {
  readonly endpoints: readonly Endpoint[]
  readonly #manager: PgConnectionManager
  readonly #orms: readonly Endpoints[]
  readonly #server: Server

  private constructor(manager: PgConnectionManager, orms: readonly Endpoints[]) {
    this.#manager = manager
    this.#orms = orms
    this.endpoints = orms.flatMap(({ list }) => list)
    this.#server = createServer((request, response) => void this.#answer(request, response))
  }

  static async start(manager: PgConnectionManager): Promise<Application> {
    const application = new Application(manager, [
      await typeormEndpoints(manager),
      prismaEndpoints(manager),
      drizzleEndpoints(manager),
    ])
    await new Promise<void>((resolve) => {
      application.#server.listen(0, '127.0.0.1', resolve)
    })
    return application
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    for (const each of this.#orms) await each.close()
  }

  async #answer({ headers, url = '/' }: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { pathname, searchParams } = new URL(url, 'http://localhost')
      const endpoint = this.endpoints.find(({ path }) => path === pathname)
      const customer = await this.#signedIn(headers.authorization ?? '')
      if (endpoint === undefined || customer === undefined) {
        response.writeHead(endpoint === undefined ? 404 : 401).end()
        return
      }
      const found = await endpoint.handle({ customer, n: Number(searchParams.get('n')) })
      response.writeHead(200).end(JSON.stringify(found ?? null))
    } catch (error) {
      response.writeHead(500).end(error instanceof Error ? error.stack : String(error))
    }
  }

  /** The same statement before every request. */
  async #signedIn(token: string): Promise<number | undefined> {
    const { rows } = await this.#manager.pool.query<{ customer_id: number }>(
      'select customer_id from sessions where token = $1',
      [token],
    )
    return rows[0]?.customer_id
  }
}
