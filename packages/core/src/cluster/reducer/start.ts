import { evaluate } from './election.js'
import { adoptCluster, closeSurvey, reconsiderAll } from './membership.js'
import type { Turn } from './turn.js'
import { type Start, stateOf } from './view.js'

/**
 * At the start an earlier endpoint of a list gets so many times as long as the first that answers took: it may be as far,
 * and callers that are moved to it later have been sent to another server before.
 */
const START_PATIENCE = 3

/** Probing begins, or begins again after a pause. */
export function started(turn: Turn): void {
  change(turn, { startedAt: turn.at.now })
}

/** An endpoint has answered, whatever it said. */
export function noteAnswer(turn: Turn): void {
  const { firstAnswerAt } = turn.view.start
  if (firstAnswerAt === undefined) change(turn, { firstAnswerAt: turn.at.now })
}

/** The first round of probes is over. */
export function roundOver(turn: Turn): void {
  change(turn, { roundOver: true })
  surveyIfKnown(turn)
}

/** A probe has ended before anything has been decided. */
export function seenAtStart(turn: Turn, id: string, answered: boolean): void {
  if (turn.view.start.roundOver) surveyIfKnown(turn)
  else if (answered) waitForOthers(turn, id)
}

/** From now on what has been seen decides. */
export function survey(turn: Turn): void {
  change(turn, { surveyed: true })
  closeSurvey(turn)
  adoptCluster(turn)
  reconsiderAll(turn)
  evaluate(turn, 'start')
}

/** One that could be the writer waits a moment for the others, but not for hosts that swallow every packet. */
function waitForOthers(turn: Turn, id: string): void {
  const { order, result } = turn.endpoint(id)
  const preferred = turn.rules.kind === 'role' ? result?.writable === true : order === 0
  if (!preferred || turn.view.start.inGrace) return
  change(turn, { inGrace: true })
  turn.do({ type: 'arm', timer: 'grace', delayMs: turn.rules.knobs.probeTimeoutMs })
}

/** Decides after the first round, or in a list once nothing is expected of those before the first that answers. */
function surveyIfKnown(turn: Turn): void {
  turn.do({ type: 'disarm', timer: 'grace' })
  const leftMs = turn.rules.kind === 'role' || turn.view.start.surveyed ? 0 : patienceLeftMs(turn)
  if (leftMs === undefined) return
  if (leftMs > 0) turn.do({ type: 'arm', timer: 'grace', delayMs: leftMs })
  else survey(turn)
}

/** For how long the earlier endpoints of a list are waited for; undefined until any has answered. */
function patienceLeftMs({ at, view }: Turn): number | undefined {
  const { endpoints, start } = view
  const { firstAnswerAt, startedAt } = start
  const found = endpoints.findIndex((each) => each.result !== undefined)
  const earlier = found < 0 ? endpoints : endpoints.slice(0, found)
  const isAwaited = earlier.some((each) => stateOf(each) === 'SUSPECT' && each.result === undefined)
  if (!isAwaited) return 0
  if (firstAnswerAt === undefined) return undefined
  return startedAt + START_PATIENCE * (firstAnswerAt - startedAt) - at.now
}

function change(turn: Turn, start: Partial<Start>): void {
  turn.set({ start: { ...turn.view.start, ...start } })
}
