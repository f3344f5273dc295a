import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client } from 'pg'

const CHECK_MS = 500

/**
 * Tells a load balancer whether a server is the primary: 200 or 503, as the agent of a cluster manager does. It asks the
 * server itself, and the cluster who its leader is.
 */
export class RoleAgent {
  readonly #server: Server
  readonly #url: string
  readonly #isLeader: () => boolean
  #answered = 0

  constructor(url: string, isLeader: () => boolean) {
    this.#url = url
    this.#isLeader = isLeader
    this.#server = createServer((_request, response) => void this.#answer(response))
  }

  /** Checks answered so far. */
  get answered(): number {
    return this.#answered
  }

  /** Resolves with the port on 127.0.0.1. */
  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(response: ServerResponse): Promise<void> {
    const primary = this.#isLeader() && (await this.#isWritable())
    response.writeHead(primary ? 200 : 503, { connection: 'close' }).end()
    this.#answered += 1
  }

  async #isWritable(): Promise<boolean> {
    const client = new Client({
      connectionString: this.#url,
      connectionTimeoutMillis: CHECK_MS,
      query_timeout: CHECK_MS,
    })
    client.on('error', () => {})
    try {
      await client.connect()
      const { rows } = await client.query('select not pg_is_in_recovery() as writable')
      return rows[0]?.writable === true
    } catch {
      // Down, frozen or out of reach: in any case not to be used.
      return false
    } finally {
      // Not awaited: a frozen server would never let it end.
      client.end().catch(() => {})
    }
  }
}
