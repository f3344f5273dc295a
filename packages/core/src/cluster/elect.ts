import type { Role } from '../driver/contract.js'
import { type EndpointState, stateIs } from './states.js'

/** What an election knows of one endpoint. */
export interface Candidate {
  readonly id: string
  readonly state: EndpointState
  readonly role: Role
  readonly writable: boolean
  readonly systemId: string | undefined
  readonly timeline: number | undefined
  readonly startedAt: string | undefined
  /** False for one that is kept although nobody names it any more. `@default` true */
  readonly named?: boolean
  /** True if it was seen to be a standby, and then the primary. Matters where it does not tell its timeline. */
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
  /** The highest timeline ever followed: a primary below it has lost a promotion it does not know of. */
  readonly highestTimeline: number
  /** What standbys say of timelines up to this one is no news: an operator has accepted a primary below. `@default` 0 */
  readonly acceptedTimeline?: number
  /** Whether the writer goes on when another has an equal claim. */
  readonly splitBrain?: 'refuse' | 'stay'
}

export type Election =
  | { readonly outcome: 'writer'; readonly id: string; readonly fenced: readonly string[] }
  | { readonly outcome: 'none'; readonly fenced: readonly string[]; readonly reason: string }
  | { readonly outcome: 'split-brain'; readonly fenced: readonly string[]; readonly reason: string }

/**
 * Who is the writer of one replicated cluster. Pure.
 *
 * One writable primary is the writer, unless its timeline is below the highest seen, or below that of a standby, which
 * followed a promotion. Of several, the highest timeline wins and the others are fenced; one server under two names
 * counts once; equal timelines leave the writer undecided, and no server gets writes.
 *
 * A primary that does not tell its timeline is judged by what was seen: it is the writer if it is the present one or was
 * promoted, or if no timeline is known at all; it is not if another was promoted after it; beside a primary that tells
 * its timeline neither is known to be newer. With `splitBrain: 'stay'` it counts as current whatever was seen.
 */
export function elect(candidates: readonly Candidate[], memory: ElectionMemory): Election {
  const primaries = candidates.filter(
    (each) =>
      each.role === 'primary' &&
      each.writable &&
      // What the latest probe said holds. One without a free connection for it is still the writer that it was.
      (stateIs(each.state, 'answers') ||
        (each.state === 'BUSY' && each.id === memory.writer && memory.left !== true)),
  )
  const followed = timelineOfStandbys(candidates, memory)
  const current = primaries.filter((each) => isCurrent(each, memory, followed))
  const stale = primaries.filter((each) => !current.includes(each)).map((each) => each.id)
  if (current.length === 0)
    return { outcome: 'none', fenced: stale, reason: describeNone(candidates, stale) }
  const highest = Math.max(...current.map((each) => each.timeline ?? 0))
  const leaders = current.filter((each) => (each.timeline ?? highest) === highest)
  const losers = current.filter((each) => !leaders.includes(each)).map((each) => each.id)
  const servers = distinctServers(leaders)
  const stays = memory.splitBrain === 'stay' && leaders.some((each) => each.id === memory.writer)
  if (servers.length > 1 && !stays) {
    return {
      outcome: 'split-brain',
      fenced: stale,
      reason: `${servers.map((each) => each.id).join(' and ')} both claim to be the primary ${onTimeline(servers)}`,
    }
  }
  // One server may have two names, of which one is no longer in use.
  const named = leaders.filter((each) => each.named !== false)
  const eligible = named.length > 0 ? named : leaders
  const chosen = eligible.find((each) => each.id === memory.writer) ?? (eligible[0] as Candidate)
  return { outcome: 'writer', id: chosen.id, fenced: [...stale, ...losers] }
}

/** Whether nothing is known that a primary has missed. */
function isCurrent(primary: Candidate, memory: ElectionMemory, followed: number): boolean {
  const { id, promoted, superseded, timeline } = primary
  if (timeline !== undefined) return timeline >= Math.max(memory.highestTimeline, followed)
  if (memory.splitBrain === 'stay') return true
  if (superseded === true) return false
  return memory.highestTimeline === 0 || id === memory.writer || promoted === true
}

/** The highest timeline that a standby follows: somewhere a primary has written on it. */
function timelineOfStandbys(
  candidates: readonly Candidate[],
  { acceptedTimeline = 0 }: ElectionMemory,
): number {
  const timelines = candidates
    .filter((each) => each.role === 'standby' && stateIs(each.state, 'answers'))
    .map((each) => each.timeline ?? 0)
  return Math.max(0, ...timelines.filter((each) => each > acceptedTimeline))
}

function onTimeline(servers: readonly Candidate[]): string {
  const silent = servers.filter((each) => each.timeline === undefined).map((each) => each.id)
  return silent.length > 0
    ? `(${silent.join(' and ')} without telling the timeline)`
    : `on timeline ${servers[0]?.timeline}`
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
    // Two servers of one cluster do not start in the same microsecond.
    const identity =
      each.systemId && each.startedAt ? `${each.systemId} ${each.startedAt}` : each.id
    if (!seen.has(identity)) seen.set(identity, each)
  }
  return [...seen.values()]
}

function describeNone(candidates: readonly Candidate[], stale: readonly string[]): string {
  if (stale.length > 0) {
    const silent = candidates.some((each) => stale.includes(each.id) && each.timeline === undefined)
    return silent
      ? `${stale.join(', ')} claims to be the primary, but does not tell its timeline, and another was the primary since`
      : `${stale.join(', ')} claims to be the primary, but on an older timeline`
  }
  if (
    candidates.some(
      (each) => each.role === 'primary' && !each.writable && stateIs(each.state, 'answers'),
    )
  ) {
    return 'the primary refuses writes (default_transaction_read_only)'
  }
  if (candidates.some((each) => stateIs(each.state, 'answers'))) return 'only standbys answer'
  return 'no endpoint answers'
}
