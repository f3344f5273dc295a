import type { Role } from '../../driver/contract.js'
import type { Order } from '../../driver/replication.js'
import type { EndpointState } from '../../vocabulary/states.js'
import { stateIs } from '../states.js'

/** What an election knows of one endpoint. */
export interface Candidate {
  readonly id: string
  readonly state: EndpointState
  readonly role: Role
  readonly writable: boolean
  /** Names the server, whatever address leads to it. */
  readonly server: string | undefined
  readonly history: string | undefined
  /** False for one that is kept although no source names it any more. `@default` true */
  readonly named?: boolean
  /** True if it was seen to be a standby, and then the primary. Matters where histories do not show promotions. */
  readonly promoted?: boolean
  /** True if another was seen to become the primary after it. Matters likewise. */
  readonly superseded?: boolean
}

/** What elections remember. */
export interface ElectionMemory {
  /** The endpoint that is the writer now. */
  readonly writer: string | undefined
  /** True if it has been left, and no other has been found yet: it has to answer before it is the writer again. */
  readonly left?: boolean
  /** The latest history ever followed: a primary of an older one has lost a promotion it does not know of. */
  readonly latest?: string | undefined
  /** What standbys say of these histories is no news: an operator has accepted an older primary. `@default` none */
  readonly accepted?: readonly string[]
  /** Whether the writer goes on when another has an equal claim. */
  readonly splitBrain?: 'refuse' | 'stay'
}

/** How one history is to another, as the driver tells it. */
export type OrderOf = (one: string, other: string) => Order

export type Election =
  | { readonly outcome: 'writer'; readonly id: string; readonly fenced: readonly string[] }
  | { readonly outcome: 'none'; readonly fenced: readonly string[]; readonly reason: string }
  | { readonly outcome: 'split-brain'; readonly fenced: readonly string[]; readonly reason: string }

/**
 * Who is the writer of one replicated cluster. Pure.
 *
 * One writable primary is the writer, unless its history is older than the latest seen, or than that of a standby, which
 * followed a promotion. Of several, the one whose history is newer than or ahead of the others' wins, and they are fenced;
 * one server under two names counts once; histories that cannot be distinguished leave the writer undecided, and no server
 * gets writes.
 *
 * A primary whose history proves no promotion is judged by what was seen: it is the writer if it is the present one or was
 * promoted, if no history is known at all, or if it lacks nothing of the histories that are known; it is not if another was
 * promoted after it. With `splitBrain: 'stay'` it counts as current whatever was seen.
 */
export function elect(
  candidates: readonly Candidate[],
  memory: ElectionMemory,
  orderOf: OrderOf,
): Election {
  const order = (one: string | undefined, other: string | undefined): Order =>
    one === undefined || other === undefined ? 'unknown' : orderOf(one, other)
  const primaries = candidates.filter(
    (each) =>
      each.role === 'primary' &&
      each.writable &&
      // What the latest probe said holds. One without a free connection for it is still the writer that it was.
      (stateIs(each.state, 'answers') ||
        (each.state === 'BUSY' && each.id === memory.writer && memory.left !== true)),
  )
  const known = [memory.latest, ...historiesOfStandbys(candidates, memory, order)]
  const current = primaries.filter((each) =>
    isCurrent(
      each,
      memory,
      known.filter((one) => one !== undefined).map((one) => order(each.history, one)),
    ),
  )
  const stale = primaries.filter((each) => !current.includes(each)).map((each) => each.id)
  if (current.length === 0)
    return { outcome: 'none', fenced: stale, reason: describeNone(candidates, stale) }
  const leaders = current.filter(
    (each) => !current.some((other) => SURPASSES.has(order(other.history, each.history))),
  )
  const losers = current.filter((each) => !leaders.includes(each)).map((each) => each.id)
  const servers = distinctServers(leaders)
  const stays = memory.splitBrain === 'stay' && leaders.some((each) => each.id === memory.writer)
  if (servers.length > 1 && !stays) {
    return {
      outcome: 'split-brain',
      fenced: stale,
      reason: `${servers.map((each) => each.id).join(' and ')} both claim to be the primary ${withHistories(servers)}`,
    }
  }
  // One server may have two names, of which one is no longer in use.
  const named = leaders.filter((each) => each.named !== false)
  const eligible = named.length > 0 ? named : leaders
  const chosen = eligible.find((each) => each.id === memory.writer) ?? (eligible[0] as Candidate)
  return { outcome: 'writer', id: chosen.id, fenced: [...stale, ...losers] }
}

const SURPASSES: ReadonlySet<Order> = new Set(['newer', 'ahead'])
const PROVES: ReadonlySet<Order> = new Set(['newer', 'same'])
const LACKS_NOTHING: ReadonlySet<Order> = new Set(['newer', 'same', 'ahead', 'equal'])

/** Whether nothing is known that a primary has missed. @param orders its history beside each that is known */
function isCurrent(primary: Candidate, memory: ElectionMemory, orders: readonly Order[]): boolean {
  const { history, id, promoted, superseded } = primary
  if (orders.includes('older')) return false
  if (history !== undefined && orders.every((each) => PROVES.has(each))) return true
  if (memory.splitBrain === 'stay') return true
  if (superseded === true) return false
  if (memory.latest === undefined || id === memory.writer || promoted === true) return true
  return orders.every((each) => LACKS_NOTHING.has(each))
}

/** What standbys follow: somewhere a primary has written it. */
function historiesOfStandbys(
  candidates: readonly Candidate[],
  { accepted = [] }: ElectionMemory,
  order: (one: string | undefined, other: string | undefined) => Order,
): string[] {
  return candidates
    .filter((each) => each.role === 'standby' && stateIs(each.state, 'answers'))
    .map((each) => each.history)
    .filter((history) => history !== undefined)
    .filter((history) => accepted.every((each) => SURPASSES.has(order(history, each))))
}

function withHistories(servers: readonly Candidate[]): string {
  const silent = servers.filter((each) => each.history === undefined).map((each) => each.id)
  if (silent.length > 0) return `(${silent.join(' and ')} without telling its history)`
  const [first, ...others] = servers.map((each) => each.history)
  return others.every((each) => each === first)
    ? `of one history (${first})`
    : `of histories that cannot be distinguished (${[first, ...others].join(', ')})`
}

/**
 * Who serves in a list of independent servers: the first in order that is fully trusted, or if there is none, the one
 * that serves now, or else the first that answers at all. Pure.
 */
export function electInOrder(candidates: readonly Candidate[], memory: ElectionMemory): Election {
  const answering = candidates.filter((each) => stateIs(each.state, 'answers'))
  const current = candidates.find(
    (each) =>
      each.id === memory.writer && (stateIs(each.state, 'answers') || each.state === 'BUSY'),
  )
  const chosen = answering.find((each) => each.state === 'UP') ?? current ?? answering[0]
  if (chosen === undefined)
    return { outcome: 'none', fenced: [], reason: describeNone(candidates, []) }
  return { outcome: 'writer', id: chosen.id, fenced: [] }
}

function distinctServers(primaries: readonly Candidate[]): Candidate[] {
  const seen = new Map<string, Candidate>()
  for (const each of primaries) {
    const identity = each.server ?? each.id
    if (!seen.has(identity)) seen.set(identity, each)
  }
  return [...seen.values()]
}

function describeNone(candidates: readonly Candidate[], stale: readonly string[]): string {
  if (stale.length > 0) {
    const silent = candidates.some((each) => stale.includes(each.id) && each.history === undefined)
    return silent
      ? `${stale.join(', ')} claims to be the primary, but does not tell its history, and another was the primary since`
      : `${stale.join(', ')} claims to be the primary, but of an older history`
  }
  if (
    candidates.some(
      (each) => each.role === 'primary' && !each.writable && stateIs(each.state, 'answers'),
    )
  ) {
    return 'the primary refuses writes: it is set to be read-only'
  }
  if (candidates.some((each) => stateIs(each.state, 'answers'))) return 'only standbys answer'
  return 'no endpoint answers'
}
