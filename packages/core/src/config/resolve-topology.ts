import { isAllowedHostEntry } from '../topology/allowed-hosts.js'
import type { TopologySource } from '../topology/source.js'
import { invalid } from './rules.js'

export function resolveTopology(given: unknown): TopologySource | undefined {
  if (given === undefined) return undefined
  const source = given as Partial<TopologySource> | null
  if (typeof source?.discover !== 'function') {
    throw invalid('topology', given, 'a topology source, such as dnsTopology() makes')
  }
  checkAllowedHosts(source.allowedHosts)
  return given as TopologySource
}

function checkAllowedHosts(given: unknown): void {
  if (given === undefined) return
  if (!Array.isArray(given)) throw invalid('topology.allowedHosts', given, 'an array of hosts')
  given.forEach((entry: unknown, index) => {
    if (isAllowedHostEntry(entry)) return
    throw invalid(
      `topology.allowedHosts[${index}]`,
      entry,
      "a name ('db2.internal'), a domain ('*.db.internal'), an address, a network ('10.0.0.0/8') or '*'",
    )
  })
}
