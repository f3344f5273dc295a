import { settle, writerlessState } from './cluster-state.js'
import type { Turn } from './turn.js'
import { roleInWords, type Search, stateOf } from './view.js'

const SHORTEST_PACE_MS = 20

/**
 * The pause between probes while something is being decided. A restart or a planned promotion takes a tenth of a second,
 * and is to be noticed as soon; what has taken a second will take longer, and is asked about less often.
 */
export function urgentPaceMs(searchingMs: number, fastProbeIntervalMs: number): number {
  return Math.min(fastProbeIntervalMs, Math.max(SHORTEST_PACE_MS, searchingMs / 10))
}

/** Begins to look for a writer, unless that is under way. */
export function startSearch(turn: Turn): void {
  if (turn.view.search === undefined) tryFor(turn, { startedAt: turn.at.now, attempt: 1 })
}

/** A writer has been found. */
export function stopSearch(turn: Turn): void {
  if (turn.view.search !== undefined) turn.do({ type: 'disarm', timer: 'search' })
  turn.set({ search: undefined })
}

/** How long a writer has been looked for; 0 while there is one. */
export function searchingMs(search: Search | undefined, now: number): number {
  return search === undefined ? 0 : now - search.startedAt
}

/** An attempt has had its time, or the pause after one is over. */
export function searchElapsed(turn: Turn): void {
  const { search } = turn.view
  if (search?.phase === 'trying') attemptFailed(turn, search)
  else if (search?.phase === 'pausing') tryFor(turn, { ...search, attempt: search.attempt + 1 })
}

function tryFor(turn: Turn, search: Omit<Search, 'phase'>): void {
  turn.set({ search: { ...search, phase: 'trying' } })
  turn.do({ type: 'arm', timer: 'search', delayMs: turn.rules.knobs.failoverTimeoutMs })
}

function attemptFailed(turn: Turn, search: Search): void {
  const { attempt } = search
  const { knobs, name } = turn.rules
  const final = attempt >= knobs.retryAttempts
  turn.set({ search: { ...search, phase: final ? 'exhausted' : 'pausing' } })
  if (!final) {
    const delayMs = knobs.retryDelayMs * 2 ** (attempt - 1)
    turn.do({ type: 'arm', timer: 'search', delayMs, jitter: true })
  }
  turn.emit({
    type: 'failoverFailed',
    pool: name,
    endpoint: turn.view.left?.id,
    attempt,
    reason: turn.view.endpoints
      .map(
        (each) => `${each.id} is ${stateOf(each)}: ${each.lastError?.message ?? roleInWords(each)}`,
      )
      .join('; '),
    durationMs: searchingMs(search, turn.at.now),
  })
  if (final && turn.view.state !== 'SPLIT_BRAIN')
    settle(turn, writerlessState(turn.view), 'no writer was found')
}
