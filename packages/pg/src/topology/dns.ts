import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Endpoint, TopologySource } from '@connmgr/core'
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
}

/**
 * Makes every address of the names in the URLs an endpoint of its own, and looks the names up again and again: for a name
 * that stands for several servers, or that moves from one to another. A name that cannot be resolved keeps the addresses
 * that it had.
 *
 * @example
 * createConnectionManager({ databaseUrl: 'postgres://app:secret@db.internal/app', topology: dnsTopology() })
 */
export function dnsTopology(options: DnsTopologyOptions = {}): TopologySource {
  const { refreshMs = 5000, timeoutMs = 2000, resolve = resolveByMachine } = options
  /** The latest good addresses of each name. */
  const known = new Map<string, readonly string[]>()

  async function addressesOf(name: string): Promise<readonly string[] | undefined> {
    try {
      const addresses = await resolve(name)
      // In an order of their own, as resolvers shuffle them and the first endpoint is the preferred one.
      if (addresses.length > 0) known.set(name, [...new Set(addresses)].sort())
    } catch (error) {
      if (!known.has(name)) throw error
    }
    return known.get(name)
  }

  return {
    name: 'DNS',
    refreshMs,
    timeoutMs,
    async discover(configured) {
      const failures: unknown[] = []
      const endpoints = await Promise.all(
        configured.map(async (endpoint): Promise<readonly Endpoint[]> => {
          if (!isName(endpoint.host)) return [endpoint]
          try {
            const addresses = (await addressesOf(endpoint.host)) ?? []
            return addresses.map((host) => relocate(endpoint, { host }))
          } catch (error) {
            failures.push(error)
            return [endpoint]
          }
        }),
      )
      // Of several names those that are known are enough.
      if (failures.length === configured.length) throw failures[0]
      return { endpoints: endpoints.flat() }
    },
  }
}

/** Neither an address nor the directory of a Unix socket. */
function isName(host: string): boolean {
  return isIP(host) === 0 && !host.startsWith('/')
}

async function resolveByMachine(name: string): Promise<readonly string[]> {
  const found = await lookup(name, { all: true })
  return found.map(({ address }) => address)
}
