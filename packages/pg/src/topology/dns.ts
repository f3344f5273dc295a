import dns from 'node:dns'
import { isIP } from 'node:net'
import type { Endpoint, TopologySource } from '@connmgr/core'
import { toError } from '@connmgr/core/driver'
import { relocate } from '../endpoint-config.js'

/** All addresses of a name. Rejects if there are none. */
export type Resolve = (name: string) => Promise<readonly string[]>

/** How {@link dnsTopology} looks names up. Times are in milliseconds. */
export interface DnsTopologyOptions {
  /** Pause between look-ups, less up to 20 %; in trouble names are looked up at once. `@default` 5000 */
  readonly refreshMs?: number
  /** Deadline of looking up all names. `@default` 2000 */
  readonly timeoutMs?: number
  /** `@default` the machine's resolver, as for any connection */
  readonly resolve?: Resolve
  /**
   * Addresses and networks (`10.0.0.0/8`) that a name may lead to; any other is refused, and `topologyFailed` tells of it.
   * `@default` all, as for any connection
   */
  readonly allowedHosts?: readonly string[]
}

/**
 * Makes every address of the names in the URLs an endpoint of its own, and looks the names up again and again: for a name
 * that stands for several servers, or that moves from one to another. A name that cannot be resolved keeps the addresses
 * that it had.
 *
 * An address is trusted as its name is until the servers have shown which cluster they belong to; from then on a server
 * serves no caller before it has shown the same. Passwords in clear are sent to it only over TLS with a verified certificate,
 * unless `requireAuth` allows them.
 *
 * @example
 * createConnectionManager({ databaseUrl: 'postgres://app:secret@db.internal/app', topology: dnsTopology() })
 */
export function dnsTopology(options: DnsTopologyOptions = {}): TopologySource {
  const { allowedHosts, refreshMs = 5000, timeoutMs = 2000, resolve = resolveByMachine } = options
  /** The latest good addresses of each name. */
  const known = new Map<string, readonly string[]>()

  async function lookUp(name: string): Promise<void> {
    const addresses = await resolve(name)
    if (addresses.length === 0) throw new Error(`${name} has no address`)
    // In an order of their own, as resolvers shuffle them and the first endpoint is the preferred one.
    known.set(name, [...new Set(addresses)].sort())
  }

  return {
    name: 'DNS',
    refreshMs,
    timeoutMs,
    ...(allowedHosts === undefined ? {} : { allowedHosts }),
    async discover(configured) {
      const names = [...new Set(configured.map(({ host = '' }) => host).filter(isName))]
      const looks = await Promise.allSettled(names.map(lookUp))
      const failed = looks.find((each) => each.status === 'rejected')
      const endpoints = configured.flatMap((endpoint): readonly Endpoint[] => {
        const addresses = known.get(endpoint.host ?? '')
        return addresses?.map((host) => relocate(endpoint, { host }, 'resolved')) ?? [endpoint]
      })
      return { endpoints, ...(failed === undefined ? {} : { problem: toError(failed.reason) }) }
    },
  }
}

/** Neither an address nor the directory of a Unix socket. */
function isName(host: string): boolean {
  return isIP(host) === 0 && !host.startsWith('/')
}

async function resolveByMachine(name: string): Promise<readonly string[]> {
  const found = await dns.promises.lookup(name, { all: true })
  return found.map(({ address }) => address)
}
