import type { ProbeResult } from '../../driver/replication.js'
import { messageOf } from '../../errors.js'
import { type ErrorSummary, summarize } from '../../events/event-parts.js'
import type { ProbeOutcome, SuccessfulProbe } from '../../health/probe-outcome.js'
import { saysTheSame } from '../../health/same-answer.js'
import type { AnsweredQuestion } from '../../time/response-times.js'
import { stateIs } from '../states.js'
import { mark, report } from './marking.js'
import { doubtedState, doubtOf, hasSay, isStranger, strangeness } from './membership.js'
import { leavesHistory, noteLag, STRAY } from './positions.js'
import { nextStanding, putInto } from './transition.js'
import { stableMs } from './trust.js'
import type { Turn } from './turn.js'
import { type EndpointView, isSteady, stateOf } from './view.js'

/** What a probe has found, for messages. */
export function describeOutcome(outcome: ProbeOutcome): string {
  return outcome.ok ? `probe answered as ${outcome.result.role}` : outcome.error.message
}

/** Whether a probe of an endpoint that is up and trusted says what the one before has said. */
export function saysNothingNew(
  turn: Turn,
  endpoint: EndpointView,
  outcome: SuccessfulProbe,
): boolean {
  return (
    turn.view.state === 'STEADY' &&
    isSteady(endpoint) &&
    (outcome.elsewhere === true || endpoint.everConnected) &&
    saysTheSame(outcome.result, endpoint.result, turn.rules.history.order)
  )
}

/** Takes over what changes all the time. This is all that most probes come to. */
export function keepUp(turn: Turn, id: string, outcome: SuccessfulProbe): void {
  const { lagging } = turn.endpoint(id)
  turn.change(id, { result: outcome.result })
  if (leavesHistory(turn, id, outcome))
    mark(turn, id, 'QUARANTINED', STRAY, { lastError: saying(STRAY) })
  else noteLag(turn, id, outcome.result)
  noteAnswered(turn, id, outcome)
  if (lagging !== turn.endpoint(id).lagging) turn.reroute()
}

/** Turns what a probe says into what is known of its endpoint, and tells the pool of it. */
export function applyProbe(turn: Turn, id: string, outcome: ProbeOutcome): void {
  const before = turn.endpoint(id)
  const { knobs } = turn.rules
  turn.change(id, {
    standing: nextStanding(before.standing, outcome, turn.at.now, {
      suspectCount: knobs.suspectCount,
      failbackSuccesses: knobs.failbackSuccesses,
      stableMs: stableMs(before, knobs.failbackStableMs),
    }),
  })
  const found = outcome.ok ? applyAnswer(turn, before, outcome) : applyFailure(turn, id, outcome)
  report(turn, id, stateOf(before), keepOutOfService(turn, id) ?? found)
  if (outcome.ok) noteAnswered(turn, id, outcome)
  if (before.role !== turn.endpoint(id).role) turn.tell(id, { roleChanged: true })
}

/** After a failed probe: asks again at once after a silence, which has taken its time already, or in a moment. */
export function askAgain(turn: Turn, id: string, timedOut: boolean): void {
  const state = stateOf(turn.endpoint(id))
  if (timedOut && (state === 'SUSPECT' || stateIs(state, 'serves')))
    turn.do({ type: 'probe', id, when: 'now' })
  else if (state === 'SUSPECT') turn.do({ type: 'probe', id, when: 'soon' })
}

/** Returns the reason of the state that follows. */
function applyAnswer(turn: Turn, before: EndpointView, outcome: SuccessfulProbe): string {
  const { id, origin } = before
  const { result } = outcome
  const { identity } = turn.view
  reportRights(turn, before, result)
  // Of another database it says nothing.
  const everConnected = before.everConnected || outcome.elsewhere !== true
  turn.change(id, { result, doubt: doubtOf(turn, origin, result), everConnected })
  const wrong = isStranger(identity, result)
    ? strangeness(result, identity.cluster)
    : leavesHistory(turn, id, outcome)
      ? STRAY
      : undefined
  const { standing } = turn.endpoint(id)
  if (wrong !== undefined) {
    turn.change(id, { standing: putInto(standing, 'QUARANTINED'), lastError: saying(wrong) })
  } else if (stateOf(before) === 'FENCED' && result.role === 'primary') {
    // Only an election lifts a fence from a primary.
    turn.change(id, { standing: putInto(standing, 'FENCED'), lastError: undefined })
  } else turn.change(id, { lastError: undefined })
  noteRole(turn, before, result)
  noteLag(turn, id, result)
  return wrong ?? `answered in ${Math.round(outcome.durationMs)} ms as ${result.role}`
}

function applyFailure(
  turn: Turn,
  id: string,
  { error }: Extract<ProbeOutcome, { ok: false }>,
): string {
  turn.change(id, { lastError: summarize(error) })
  return messageOf(error)
}

/** One in doubt has no say, and one that an operator has taken out of service stays out. Returns why, if it is in doubt. */
function keepOutOfService(turn: Turn, id: string): string | undefined {
  const { doubt, heldFor, standing } = turn.endpoint(id)
  const doubted = doubt !== undefined && hasSay(standing.state)
  if (doubted) {
    const state = doubtedState(turn.view.identity)
    turn.change(id, { standing: putInto(standing, state), lastError: saying(doubt) })
  }
  if (heldFor !== undefined) {
    const held = putInto(turn.endpoint(id).standing, 'QUARANTINED')
    turn.change(id, { standing: held, lastError: saying(heldFor) })
  }
  return doubted ? doubt : undefined
}

function reportRights(
  turn: Turn,
  { id, result }: EndpointView,
  { missing = [] }: ProbeResult,
): void {
  if (namesOf(missing) === namesOf(result?.missing)) return
  const pool = turn.rules.name
  turn.emit(
    missing.length === 0
      ? { type: 'rightsGranted', pool, endpoint: id }
      : { type: 'rightsMissing', pool, endpoint: id, missing },
  )
}

function noteAnswered(turn: Turn, id: string, question: AnsweredQuestion): void {
  const patienceMs = turn.rules.knobs.probeTimeoutMs
  turn.do({ type: 'answered', id, question, patienceMs })
}

function noteRole(turn: Turn, { id, role: from }: EndpointView, { role: to }: ProbeResult): void {
  if (from === to) return
  turn.change(id, { role: to })
  if (from === 'unknown') return
  turn.emit({ type: 'roleChanged', pool: turn.rules.name, endpoint: id, from, to })
}

function namesOf(missing: ProbeResult['missing'] = []): string {
  return missing.map(({ name }) => name).join()
}

function saying(message: string): ErrorSummary {
  return { name: 'Error', message }
}
