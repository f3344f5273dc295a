import { dnsTopology } from '@connmgr/pg'
import { type FaultProxy, type PostgresNode, startFaultProxy } from '@connmgr/testing'
import type { ChaosContext } from './context.js'

const NAME = 'db.chaos.internal'

/** A name that leads to whatever address it is said to, with the servers on addresses of their own and one port. */
export class MovingName {
  /** What the name resolves to; undefined if to nothing at all. */
  address: string | undefined
  readonly url: string
  readonly #proxies: ReadonlyMap<PostgresNode, FaultProxy>

  private constructor(url: string, proxies: ReadonlyMap<PostgresNode, FaultProxy>) {
    this.url = url
    this.#proxies = proxies
  }

  static async of(context: ChaosContext, nodes: readonly PostgresNode[]): Promise<MovingName> {
    const proxies = new Map<PostgresNode, FaultProxy>()
    let port: number | undefined
    for (const [index, node] of nodes.entries()) {
      const host = `127.0.0.${index + 2}`
      const proxy = await startFaultProxy({
        target: node,
        host,
        ...(port === undefined ? {} : { port }),
      })
      context.defer(() => proxy.close())
      port = proxy.port
      proxies.set(node, proxy)
    }
    const name = new MovingName(`postgresql://postgres@${NAME}:${port}/postgres`, proxies)
    name.leadTo(nodes[0] as PostgresNode)
    return name
  }

  leadTo(node: PostgresNode): void {
    this.address = this.#proxies.get(node)?.host
  }

  /** The manager's options: it knows the name alone. */
  get manager() {
    return {
      databaseUrl: this.url,
      failoverUrls: [],
      topology: dnsTopology({
        refreshMs: 200,
        resolve: async (name) => {
          if (this.address === undefined) throw new Error(`getaddrinfo ENOTFOUND ${name}`)
          return [this.address]
        },
      }),
    }
  }
}
