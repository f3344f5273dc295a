import { BlockList, isIP } from 'node:net'
import type { Endpoint } from '../driver/contract.js'

const LONGEST_NAME = 253
const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/
/** Networks whose addresses an organisation gives out itself: a neighbour there is no stranger from the internet. */
const NEIGHBOURHOODS: readonly (readonly [network: string, prefix: number, near: number])[] = [
  ['127.0.0.0', 8, 8],
  ['10.0.0.0', 8, 16],
  ['172.16.0.0', 12, 16],
  ['192.168.0.0', 16, 16],
  ['::1', 128, 128],
  ['fc00::', 7, 48],
]
const LOOPBACK = ['localhost', '127.0.0.1', '::1']

/** One spelling for each host: of a name in lower case without the dot at its end, of an address the shortest. */
export function canonicalHost(host: string): string {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
  if (isIP(bare) === 6) {
    const short = new URL(`http://[${bare.replace(/%.*$/, '')}]/`).hostname.slice(1, -1)
    return mappedIPv4(short) ?? short
  }
  return bare.toLowerCase().replace(/\.$/, '')
}

/** `::ffff:7f00:1` is 127.0.0.1. */
function mappedIPv4(address: string): string | undefined {
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address) ?? []
  if (high === undefined || low === undefined) return undefined
  const bits = (Number.parseInt(high, 16) << 16) | Number.parseInt(low, 16)
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.')
}

/** Whether this can be a host at all: a name of the domain name system, or an address. Takes what is canonical. */
export function isHost(host: string): boolean {
  if (isIP(host) !== 0) return true
  const labels = host.split('.')
  // What ends in a number is an address in another notation, and no resolver takes it for a name.
  return (
    host.length <= LONGEST_NAME &&
    labels.every((each) => LABEL.test(each)) &&
    !/^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')
  )
}

/** Whether an entry of `allowedHosts` can be understood. */
export function isAllowedHostEntry(entry: unknown): entry is string {
  if (typeof entry !== 'string') return false
  const [address, prefix, ...rest] = entry.split('/')
  if (prefix === undefined) return entry === '*' || isHost(canonicalHost(withoutStar(entry)))
  const family = isIP(address ?? '')
  const bits = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.POSITIVE_INFINITY
  return rest.length === 0 && family !== 0 && bits <= (family === 6 ? 128 : 32)
}

/** The hosts that a topology source may name. Those of the options always are among them. */
export class AllowedHosts {
  readonly #hosts = new Set<string>()
  /** Each with its leading dot. */
  readonly #domains: string[] = []
  readonly #networks = new BlockList()
  readonly #shown: string[] = []
  #singleLabels = false
  #all = false
  /** False if nothing was given, so that it follows from the hosts of the options. */
  readonly given: boolean

  constructor(entries: readonly string[] | undefined, configured: readonly Endpoint[]) {
    this.given = entries !== undefined
    for (const { host } of configured) {
      if (host === undefined) continue
      const own = canonicalHost(host)
      this.#hosts.add(own)
      if (entries === undefined) this.#addSurroundings(own)
    }
    for (const entry of entries ?? []) this.#add(entry)
    this.#shown.unshift(...this.#hosts)
  }

  /** Takes what is canonical. */
  has(host: string): boolean {
    if (this.#all || this.#hosts.has(host)) return true
    const family = isIP(host)
    if (family !== 0) return this.#networks.check(host, family === 6 ? 'ipv6' : 'ipv4')
    if (this.#singleLabels && !host.includes('.')) return true
    return this.#domains.some((domain) => host.endsWith(domain))
  }

  /** For messages. */
  toString(): string {
    return [...new Set(this.#shown)].join(', ')
  }

  #add(entry: string): void {
    if (entry === '*') this.#all = true
    else if (entry.includes('/')) {
      const [address = '', prefix] = entry.split('/')
      this.#addNetwork(address, Number(prefix))
    } else if (entry !== withoutStar(entry)) this.#addDomain(canonicalHost(withoutStar(entry)))
    else this.#hosts.add(canonicalHost(entry))
  }

  /** What is as near to a host of the options as its siblings usually are. */
  #addSurroundings(host: string): void {
    if (LOOPBACK.includes(host)) for (const each of LOOPBACK) this.#hosts.add(each)
    const family = isIP(host)
    if (family !== 0) {
      const type = family === 6 ? 'ipv6' : 'ipv4'
      for (const [network, prefix, near] of NEIGHBOURHOODS) {
        const around = new BlockList()
        around.addSubnet(network, prefix, isIP(network) === 6 ? 'ipv6' : 'ipv4')
        if (around.check(host, type)) this.#addNetwork(host, near)
      }
      return
    }
    const labels = host.split('.')
    // A name without a domain is looked up in the domain of the machine, as its siblings are.
    if (labels.length === 1 && host !== 'localhost' && isHost(host)) this.#singleLabels = true
    else if (labels.length > 2) {
      const parent = labels.slice(1)
      if (!isPublicSuffix(parent)) this.#addDomain(parent.join('.'))
    }
  }

  #addDomain(domain: string): void {
    this.#domains.push(`.${domain}`)
    this.#shown.push(`*.${domain}`)
  }

  #addNetwork(address: string, prefix: number): void {
    this.#networks.addSubnet(address, prefix, isIP(address) === 6 ? 'ipv6' : 'ipv4')
    this.#shown.push(`${address}/${prefix}`)
  }
}

function withoutStar(entry: string): string {
  return entry.startsWith('*.') ? entry.slice(2) : entry
}

/** `co.uk`, `com.au`: anybody may have a name below it. */
function isPublicSuffix([second = '', top = '', ...more]: readonly string[]): boolean {
  return more.length === 0 && top.length === 2 && second.length <= 3
}
