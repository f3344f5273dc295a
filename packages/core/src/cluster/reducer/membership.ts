import type { ProbeResult } from '../../driver/replication.js'
import type { EndpointState } from '../../vocabulary/states.js'
import { stateIs } from '../states.js'
import { NO_TRAIL } from './divergence.js'
import { mark } from './marking.js'
import type { Turn } from './turn.js'
import { type EndpointView, type Identity, type Origin, stateOf } from './view.js'

/*
 * Which cluster is ours, and whether a server belongs to it. The servers of the options say which one it is; a server
 * that a topology source has named has to show the same identity, or it does not count.
 *
 * An identity is shown, not proved: physical copies share it, and a server that lies can repeat it. What keeps such a one
 * out is authentication (TLS with a verified certificate, SCRAM), the history, and the hosts that a source may name.
 */

/** Takes over the identity of the cluster that the servers of the options belong to; never that of any other server. */
export function adoptCluster(turn: Turn): void {
  if (!isOpen(turn)) return
  const showing = turn.view.endpoints.filter(
    (each) =>
      (stateIs(stateOf(each), 'alive') || stateOf(each) === 'UNPROVEN') &&
      each.result?.cluster !== undefined,
  )
  const resolved = showing.filter((each) => each.origin === 'resolved')
  const first = showing.find((each) => each.origin === 'configured') ?? resolved[0]
  const cluster = first?.result?.cluster
  if (first === undefined || cluster === undefined) return
  // The addresses of one name stand in no order that means anything.
  const contested =
    first.origin === 'resolved' && resolved.some((each) => each.result?.cluster !== cluster)
  if (contested) changeIdentity(turn, { contested: contestOf(resolved) })
  else {
    changeIdentity(turn, { cluster, former: undefined, contested: undefined })
    forgetTrails(turn)
    if (turn.view.latest?.cluster !== cluster) turn.set({ latest: undefined })
  }
  reconsiderAll(turn)
}

/** Every endpoint has been asked, or has had its time: from now on what others are is decided. */
export function closeSurvey(turn: Turn): void {
  changeIdentity(turn, { pending: false })
}

/** Accepts the cluster that the servers of the options belong to next. */
export function reopenCluster(turn: Turn): void {
  const { cluster, former } = turn.view.identity
  const { kind, knobs } = turn.rules
  changeIdentity(turn, {
    former: cluster ?? former,
    cluster: kind === 'role' ? knobs.cluster : undefined,
  })
  forgetTrails(turn)
}

/** If no server of the options belongs to another cluster, the former one stays. */
export function settleCluster(turn: Turn): void {
  const { former } = turn.view.identity
  if (isOpen(turn) && former !== undefined)
    changeIdentity(turn, { cluster: former, former: undefined, contested: undefined })
}

/** Applies what is known of the cluster now to the endpoints that were seen before. */
export function reconsiderAll(turn: Turn): void {
  for (const { id } of turn.view.endpoints) reconsider(turn, id)
}

function reconsider(turn: Turn, id: string): void {
  const { origin, result, standing } = turn.endpoint(id)
  const { identity } = turn.view
  const { state } = standing
  if (result === undefined) return
  // It has answered, and nothing has been decided about it yet.
  const undecided = state === 'UNKNOWN' && standing.successes > 0
  if (isStranger(identity, result)) {
    mark(turn, id, 'QUARANTINED', strangeness(result, identity.cluster))
    return
  }
  const doubt = doubtOf(turn, origin, result)
  turn.change(id, { doubt })
  if (doubt !== undefined && (hasSay(state) || undecided)) {
    mark(turn, id, 'UNPROVEN', doubt, { lastError: { name: 'Error', message: doubt } })
  } else if (doubt === undefined && (state === 'UNPROVEN' || undecided)) {
    const next = standing.trusted ? 'UP' : 'PROBATION'
    mark(turn, id, next, 'belongs to the cluster', { lastError: undefined })
  }
}

export function isStranger({ cluster }: Identity, result: ProbeResult): boolean {
  return cluster !== undefined && result.cluster !== undefined && result.cluster !== cluster
}

export function strangeness({ cluster }: ProbeResult, expected: string | undefined): string {
  return `belongs to another cluster (${cluster}, expected ${expected})`
}

/** Why a server that has answered does not count as one of ours yet; undefined if it does. */
export function doubtOf(turn: Turn, origin: Origin, result: ProbeResult): string | undefined {
  const { identity } = turn.view
  if (turn.rules.kind !== 'role' || origin === 'configured') return undefined
  if (identity.cluster === undefined && origin === 'resolved') return identity.contested
  const ours = identity.cluster ?? identity.former
  if (ours === undefined)
    return (
      'named by the topology source alone, and no server of the options has shown yet which cluster is meant: ' +
      'name more of its servers in the options, or set failover.cluster'
    )
  if (result.cluster === ours) return undefined
  return result.cluster === undefined
    ? `does not show that it belongs to the cluster (${ours})`
    : strangeness(result, ours)
}

/** The state of an endpoint that is in doubt, and would have a say without that. */
export function doubtedState({ cluster, pending }: Identity): EndpointState {
  return pending && cluster === undefined ? 'UNKNOWN' : 'UNPROVEN'
}

/** Whether an endpoint has a say in who is the writer, which it loses if it is in doubt. */
export function hasSay(state: EndpointState): boolean {
  return stateIs(state, 'alive') && state !== 'SUSPECT'
}

/** Whether the servers of the options may still say which cluster is meant. */
function isOpen(turn: Turn): boolean {
  return turn.rules.kind === 'role' && turn.view.identity.cluster === undefined
}

function changeIdentity(turn: Turn, change: Partial<Identity>): void {
  turn.set({ identity: { ...turn.view.identity, ...change } })
}

/** Another cluster is followed: what was seen of the one before says nothing of it. */
function forgetTrails(turn: Turn): void {
  turn.set({ endpoints: turn.view.endpoints.map((each) => ({ ...each, trail: NO_TRAIL })) })
}

function contestOf(resolved: readonly EndpointView[]): string {
  const claims = resolved.map((each) => `${each.id}: ${each.result?.cluster}`).join(', ')
  return `the addresses of a name lead to different clusters (${claims}): set failover.cluster to the one that is meant`
}
