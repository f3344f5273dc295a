import type { Endpoint } from '../driver/contract.js'
import { AllowedHosts, canonicalHost, isHost } from './allowed-hosts.js'
import type { Discovery, TopologySource } from './source.js'

/** The most servers that a source may name: no cluster has more, and each costs connections of its own. */
export const MOST_ENDPOINTS = 32
/** Refusals that a message tells one by one. */
const REPORTED = 5
const LONGEST_SHOWN = 60

/** What is left of what a source has named. */
export interface Admitted {
  readonly discovery: Discovery
  /** Why others were refused: one sentence each, no more than a few. */
  readonly refused: readonly string[]
}

/**
 * Holds what a topology source names against what it may name. What comes from the network is nothing but a proposal:
 * a host that is none, a port that is none, a host that is not allowed and what is too much are refused, one by one.
 */
export class EndpointAdmission {
  /** By address: an endpoint with such an address is used as it is configured, under any name that a source gives it. */
  readonly #configured: ReadonlyMap<string, Endpoint>
  readonly #ids: ReadonlySet<string>
  readonly #allowed: AllowedHosts

  constructor(source: TopologySource, configured: readonly Endpoint[]) {
    this.#configured = new Map(configured.map((each) => [addressOf(each), each]))
    this.#ids = new Set(configured.map((each) => each.id))
    this.#allowed = new AllowedHosts(source.allowedHosts, configured)
  }

  /** @param present the addresses, by {@link addressOf}, that are in service: a flood of others does not displace them */
  admit(discovery: Discovery, present: ReadonlySet<string>): Admitted {
    const named: unknown = discovery.endpoints
    if (!Array.isArray(named)) throw new Error('its answer is no list of endpoints')
    const refusals = new Refusals()
    const admitted = new Map<string, Endpoint>()
    const ids = new Map<string, string>()
    let room = Math.max(0, MOST_ENDPOINTS - present.size)
    for (const each of named as readonly Endpoint[]) {
      const problem = this.#problemOf(each)
      if (problem !== undefined) {
        refusals.add(problem)
        continue
      }
      const address = addressOf(each)
      const endpoint = this.#configured.get(address) ?? each
      ids.set(each.id, endpoint.id)
      if (admitted.has(address)) continue
      if (!present.has(address) && !this.#configured.has(address)) {
        if (room === 0) {
          refusals.add(
            `${each.id} is one too many: a source may name ${MOST_ENDPOINTS} endpoints at most`,
          )
          continue
        }
        room -= 1
      }
      admitted.set(address, endpoint)
    }
    const { primary, problem } = discovery
    const endpoints = [...admitted.values()]
    const hinted = primary === undefined ? undefined : ids.get(primary)
    return {
      discovery: {
        endpoints,
        // Of one that is refused, nothing is believed.
        ...(endpoints.some((each) => each.id === hinted) ? { primary: hinted as string } : {}),
        ...(problem === undefined ? {} : { problem }),
      },
      refused: refusals.reported,
    }
  }

  #problemOf(endpoint: Endpoint | null | undefined): string | undefined {
    const { host, id, port, resolvedFrom } = (endpoint ?? {}) as Partial<Endpoint>
    if (typeof host !== 'string' || typeof id !== 'string') return 'an entry is no endpoint'
    if (this.#configured.has(addressOf(endpoint as Endpoint))) return undefined
    if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535)
      return `${shown(host)} has the port ${shown(port)}, which is not a whole number from 1 to 65535`
    const canonical = canonicalHost(host)
    if (!isHost(canonical)) return `${shown(host)} is neither the name nor the address of a host`
    if (this.#ids.has(id)) return `${shown(host)} is given the id of a configured endpoint, ${id}`
    // An address of a configured name: any connection to that name would be led there.
    const followed = resolvedFrom !== undefined && this.#ids.has(resolvedFrom)
    if (this.#allowed.has(canonical) || (followed && !this.#allowed.given)) return undefined
    return (
      `${canonical} is none of the allowed hosts (${this.#allowed}); ` +
      `to allow it, give the topology source allowedHosts: ['${canonical}', ...], names such as '*.db.example.com', ` +
      "or networks such as '10.0.0.0/8'"
    )
  }
}

/** The same for every spelling of an address. */
export function addressOf({ database = '', host, port }: Endpoint): string {
  return `${canonicalHost(host ?? '')} ${port} ${database}`
}

/** Counts refusals, and keeps the first few. */
class Refusals {
  readonly #first = new Set<string>()
  #more = 0

  add(refusal: string): void {
    if (this.#first.has(refusal)) return
    if (this.#first.size < REPORTED) this.#first.add(refusal)
    else this.#more += 1
  }

  get reported(): string[] {
    return this.#more === 0 ? [...this.#first] : [...this.#first, `and ${this.#more} more`]
  }
}

function shown(value: unknown): string {
  return typeof value === 'string'
    ? JSON.stringify(value.slice(0, LONGEST_SHOWN))
    : String(value).slice(0, LONGEST_SHOWN)
}
