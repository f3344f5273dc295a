import { type Endpoint, InvalidOptionError, type TopologySource } from '@connmgr/core'
import { isError } from '@connmgr/core/driver'
import { relocate } from '../endpoint-config.js'

/** How {@link patroniTopology} asks. Times are in milliseconds. */
export interface PatroniTopologyOptions {
  /** The REST APIs of the members, such as `http://10.0.0.1:8008`; the first that answers is believed. */
  readonly urls: readonly string[]
  /** Pause between questions, less up to 20 %; in trouble they are asked at once. `@default` 5000 */
  readonly refreshMs?: number
  /** Deadline of one question. `@default` 1000 */
  readonly timeoutMs?: number
  /**
   * Hosts that may be members: names, domains (`*.db.internal`), addresses, networks (`10.0.0.0/8`), or `*` for all. Others
   * are refused, and `topologyFailed` tells of it. `@default` the domains of the hosts in the options, and the private
   * network of an address
   */
  readonly allowedHosts?: readonly string[]
  /** For certificates and credentials of the APIs' own. `@default` fetch */
  readonly fetch?: (url: string, init: { signal: AbortSignal }) => Promise<PatroniAnswer>
}

/** What is read of a response. */
export interface PatroniAnswer {
  readonly ok: boolean
  readonly status: number
  json(): Promise<unknown>
}

/** Members that are looked at: far more than a cluster has. */
const MOST_MEMBERS = 256
const LEADERS: readonly unknown[] = ['leader', 'standby_leader', 'master']

interface Member {
  readonly host: string
  readonly port: number
  readonly leader: boolean
}

/**
 * Learns the members of a Patroni cluster from its REST API (`/cluster`), besides the servers in the URLs. It is believed
 * about addresses only, and about few: which member is the primary, and that it belongs to the cluster at all, the servers
 * show. So nothing happens while no API answers, nor if it tells of a leader that is none. A member gets no callers before
 * it has shown the identity of the cluster that the servers in the URLs belong to, and no password in clear but over TLS
 * with a verified certificate, unless `requireAuth` allows it.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION` if there is no URL, or one that is none
 *
 * @example
 * createConnectionManager({ databaseUrl, topology: patroniTopology({ urls: ['http://10.0.0.1:8008', 'http://10.0.0.2:8008'] }) })
 */
export function patroniTopology(options: PatroniTopologyOptions): TopologySource {
  const { allowedHosts, refreshMs = 5000, timeoutMs = 1000, fetch: ask = fetch } = options
  const urls = clusterUrls(options.urls)

  async function membersFrom(url: string, signal: AbortSignal): Promise<Member[]> {
    const response = await ask(url, { signal })
    if (!response.ok) throw new Error(`${url} answered with status ${response.status}`)
    const members = readMembers(await response.json())
    if (members.length === 0) throw new Error(`${url} names no member`)
    return members
  }

  return {
    name: 'Patroni',
    refreshMs,
    timeoutMs,
    ...(allowedHosts === undefined ? {} : { allowedHosts }),
    async discover(configured, signal) {
      const first = configured[0] as Endpoint
      const members = await firstOf(urls.map((url) => membersFrom(url, signal)))
      const endpoints = new Map(configured.map((each) => [each.id, each]))
      let primary: string | undefined
      for (const { host, port, leader } of members) {
        const endpoint = relocate(first, { host, port }, 'named')
        if (!endpoints.has(endpoint.id)) endpoints.set(endpoint.id, endpoint)
        if (leader) primary = endpoint.id
      }
      return { endpoints: [...endpoints.values()], ...(primary === undefined ? {} : { primary }) }
    },
  }
}

function clusterUrls(urls: unknown): string[] {
  if (!Array.isArray(urls) || urls.length === 0) {
    throw new InvalidOptionError(
      'urls',
      'option "urls" of patroniTopology must name at least one REST API, such as "http://10.0.0.1:8008"',
    )
  }
  return urls.map((url: unknown, index) => {
    try {
      return new URL('/cluster', url as string).href
    } catch {
      throw new InvalidOptionError(
        `urls[${index}]`,
        `option "urls[${index}]" of patroniTopology must be a URL such as "http://10.0.0.1:8008"`,
      )
    }
  })
}

/** The first that succeeds. */
async function firstOf<T>(attempts: readonly Promise<T>[]): Promise<T> {
  try {
    return await Promise.any(attempts)
  } catch (thrown) {
    const { errors } = thrown as AggregateError
    const reasons = errors.map((each: unknown) => (isError(each) ? describe(each) : String(each)))
    throw new Error([...new Set(reasons)].join('; '))
  }
}

/** `fetch` itself only says that it failed. */
function describe(error: Error): string {
  return isError(error.cause) ? `${error.message}: ${error.cause.message}` : error.message
}

function readMembers(answer: unknown): Member[] {
  const { members } = (answer ?? {}) as { members?: unknown }
  if (!Array.isArray(members)) return []
  return members.slice(0, MOST_MEMBERS).flatMap((each: unknown) => {
    const { host, port, role } = (each ?? {}) as { host?: unknown; port?: unknown; role?: unknown }
    const known = typeof host === 'string' && host !== ''
    // Whether host and port are any good is held against all sources alike.
    return known ? [{ host, port: Number(port), leader: LEADERS.includes(role) }] : []
  })
}
