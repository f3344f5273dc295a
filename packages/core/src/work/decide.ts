import type { Failure } from './failure.js'
import type { ReplayMode } from './options.js'

/** A unit of work has failed; all that the decision what to do depends on. */
export interface Situation {
  readonly mode: ReplayMode
  readonly failure: Failure
  /** What the caller has found out of a commit whose outcome was unknown; undefined if they were not asked. */
  readonly outcome?: 'not-committed' | 'unknown' | undefined
  /** It comes of what was ended on purpose. */
  readonly deliberate: boolean
  /** Something else that the unit has written is there to stay. */
  readonly kept: boolean
  /** The attempt that has failed, from 1. */
  readonly attempt: number
  readonly elapsedMs: number
  readonly deadlineMs: number
}

const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 1000

/**
 * Milliseconds to wait before a unit of work is run again; undefined if it must not be.
 *
 * After a conflict the pause grows, with full jitter, as those in conflict must not meet again. What failed with its
 * server is run again at once, as the acquire waits for the next writer; only if it fails again is there a pause.
 *
 * @param random from 0 up to 1
 */
export function pauseBeforeReplay(situation: Situation, random: number): number | undefined {
  if (!mayReplay(situation)) return undefined
  const { failure, attempt, elapsedMs, deadlineMs } = situation
  const longestMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt)
  const pauseMs = failure !== 'conflict' && attempt === 1 ? 0 : random * longestMs
  return elapsedMs + pauseMs < deadlineMs ? pauseMs : undefined
}

function mayReplay({ mode, failure, outcome, deliberate, kept }: Situation): boolean {
  if (mode === 'never' || failure === 'other' || deliberate) return false
  if (mode === 'idempotent') return true
  return !kept && (failure !== 'unknown' || outcome === 'not-committed')
}
