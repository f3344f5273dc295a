import type { ProbeResult } from '../../driver/replication.js'
import type { SuccessfulProbe } from '../../health/probe-outcome.js'
import { applied, isStray, judged, NO_TRAIL } from './divergence.js'
import { mark } from './marking.js'
import { lagOf, written } from './replication-lag.js'
import type { Turn } from './turn.js'

export const STRAY =
  'has applied what the present primary never wrote, so it cannot follow it: rewind it or rebuild it'

/** Whether an answer shows a standby that has left the writer's history; an answer of the writer may find others. */
export function leavesHistory(
  turn: Turn,
  id: string,
  { durationMs, result }: SuccessfulProbe,
): boolean {
  const { history, position, role, startedAt } = result
  const { doubt, trail } = turn.endpoint(id)
  if (turn.view.identity.cluster === undefined || position === undefined) return false
  if (doubt !== undefined) return false
  const { now } = turn.at
  if (role === 'standby') {
    const next = applied(trail, now, position, startedAt)
    turn.change(id, { trail: next })
    return isStray(next)
  }
  turn.change(id, { trail: NO_TRAIL })
  if (id === turn.view.writer) judgeStandbys(turn, now - durationMs, position, history)
  return false
}

/** Quarantines the standbys that were further before `askedAt` than the writer was after it. */
function judgeStandbys(
  turn: Turn,
  askedAt: number,
  position: string,
  history: string | undefined,
): void {
  for (const { id, trail } of turn.view.endpoints) {
    const next = judged(trail, { askedAt, position, history }, turn.rules.history)
    if (next === trail) continue
    turn.change(id, { trail: next })
    if (isStray(next))
      mark(turn, id, 'QUARANTINED', STRAY, { lastError: { name: 'Error', message: STRAY } })
  }
}

/** Notes how far a standby is behind, or how far the writer is. */
export function noteLag(turn: Turn, id: string, { position, role }: ProbeResult): void {
  if (position === undefined || turn.rules.kind === 'fixed') return
  const { history, knobs, name } = turn.rules
  const { now } = turn.at
  if (id === turn.view.writer)
    turn.set({ written: written(turn.view.written, now, position, history.covers) })
  if (role !== 'standby') {
    turn.change(id, { lagMs: undefined, lagging: false })
    return
  }
  const before = turn.endpoint(id).lagging
  const lagMs = lagOf(turn.view.written, now, position, history.covers)
  // Leaves at the bound, comes back at half of it, so that it does not hop in and out.
  const lagging = lagMs > (before ? knobs.maxLagMs / 2 : knobs.maxLagMs)
  turn.change(id, { lagMs, lagging })
  if (lagging === before) return
  turn.emit({
    type: lagging ? 'standbyFellBehind' : 'standbyCaughtUp',
    pool: name,
    endpoint: id,
    lagMs,
  })
}
