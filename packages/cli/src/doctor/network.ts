import { lookup, resolve4, resolve6 } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { FactReader } from './fact-reader.js'
import type { Finding } from './finding.js'

/** Where an endpoint leads to. */
export interface NetworkFacts {
  /** Undefined for a directory of sockets. */
  readonly host?: string
  /** As the resolver of this machine has them. */
  readonly addresses: readonly string[]
  /** How long resolvers may keep the name, in seconds. Undefined for a name that no name server has answered for. */
  readonly ttlSeconds?: number
  readonly reach: Reach
}

/** How far packets go: within the machine, within a private network, or beyond. */
export type Reach = 'local' | 'private' | 'public' | 'unknown'

/** For longer the old address is used after a failover. */
const LONG_TTL_S = 60

const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/
const PRIVATE =
  /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|f[cd]|fe80:)/i

/** Looks a host up. */
export async function readNetwork(
  reader: FactReader,
  host: string | undefined,
): Promise<NetworkFacts> {
  if (host === undefined || host.startsWith('/')) return { addresses: [], reach: 'local' }
  if (isIP(host) !== 0) return { host, addresses: [host], reach: reachOf([host]) }
  const found = await reader.read('addresses of the host', () => lookup(host, { all: true }))
  const addresses = [...new Set((found ?? []).map(({ address }) => address))]
  const reach = reachOf(addresses)
  if (reach === 'local' || addresses.length === 0) return { host, addresses, reach }
  const ttlSeconds = await reader.read('lifetime of the name in DNS', () => ttlOf(host))
  return { host, addresses, reach, ...(ttlSeconds === undefined ? {} : { ttlSeconds }) }
}

/** What the name of a server means for a failover. */
export function findInNetwork({ addresses, host, ttlSeconds }: NetworkFacts): Finding[] {
  const findings: Finding[] = []
  if (addresses.length > 1 && !addresses.every((each) => LOOPBACK.test(each)))
    findings.push({
      id: 'name-with-several-addresses',
      severity: 'advice',
      title: `${host} resolves to ${addresses.length} addresses, and a connection goes to one of them.`,
      evidence: addresses,
      fix:
        'Where they are several servers, name each in failoverUrls, or have dnsTopology() of @connmgr/pg follow the name: ' +
        'then the one that takes writes is found by asking it.',
    })
  if (ttlSeconds !== undefined && ttlSeconds > LONG_TTL_S)
    findings.push({
      id: 'dns-ttl-long',
      severity: 'advice',
      title: `Resolvers may keep the address of ${host} for ${ttlSeconds} s, and so clients may go to the old server after a failover by DNS.`,
      evidence: [`the TTL in DNS was ${ttlSeconds} s when it was asked`],
      fix: `Lower the TTL to ${LONG_TTL_S} s or less, or name the servers themselves in failoverUrls.`,
    })
  return findings
}

async function ttlOf(host: string): Promise<number> {
  const answers = await resolve4(host, { ttl: true }).catch(() => resolve6(host, { ttl: true }))
  return Math.min(...answers.map(({ ttl }) => ttl))
}

/** How far the addresses of a host are: as far as the farthest. */
export function reachOf(addresses: readonly string[]): Reach {
  if (addresses.length === 0) return 'unknown'
  if (addresses.every((each) => LOOPBACK.test(each))) return 'local'
  return addresses.every((each) => LOOPBACK.test(each) || PRIVATE.test(each)) ? 'private' : 'public'
}
