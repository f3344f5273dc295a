import { FailoverFailedError } from '../../errors.js'
import { stateIs } from '../states.js'
import { evaluate } from './election.js'
import { mark, report } from './marking.js'
import { adoptCluster, reconsiderAll, reopenCluster, settleCluster } from './membership.js'
import type { ObservationOf } from './observations.js'
import type { Turn } from './turn.js'
import { type ClusterView, endpointOf, type Rules, stateOf, UNSEEN } from './view.js'

/**
 * The endpoint that takes over if an operator wants a failover, to `wanted` or to any other; undefined if there is nothing
 * to do. With replication the servers decide who is the primary. Pure.
 *
 * @throws FailoverFailedError `CONNMGR_FAILOVER_FAILED` if the endpoint asked for cannot take over
 */
export function successorOf(
  view: ClusterView,
  { kind }: Rules,
  wanted: string | undefined,
): string | undefined {
  const chosen = endpointOf(view, wanted)
  if (kind === 'role') {
    if (chosen === undefined || chosen.id === view.writer) return undefined
    throw new FailoverFailedError(
      `${chosen.id} is a ${chosen.role}: promote it on the server, and callers follow by themselves`,
    )
  }
  const next =
    chosen ?? view.endpoints.find((each) => each.id !== view.writer && stateOf(each) === 'UP')
  if (next === undefined) throw new FailoverFailedError('no other endpoint is up')
  if (stateIs(stateOf(next), 'open')) return next.id
  throw new FailoverFailedError(
    `${next.id} is ${stateOf(next)}: ${next.lastError?.message ?? 'not probed yet'}`,
  )
}

/** An endpoint is to take over, and is not left for a preferred one afterwards. */
export function requested(turn: Turn, { id }: ObservationOf<'requested'>): void {
  const pinned = turn.endpoint(id).order === 0 ? undefined : id
  turn.set({ pinned, requested: id === turn.view.writer ? undefined : id })
  evaluate(turn, 'requested')
}

/** An endpoint gets no new callers until it is released; those that have a connection to it may finish. */
export function held(turn: Turn, { id, reason }: ObservationOf<'held'>): void {
  mark(turn, id, 'QUARANTINED', reason, {
    heldFor: reason,
    lastError: { name: 'Error', message: reason },
  })
  evaluate(turn, reason)
}

/** An endpoint is to be probed as if it had never been seen, to be put to use again if it is fit for it. */
export function released(turn: Turn, { id }: ObservationOf<'released'>): void {
  const from = stateOf(turn.endpoint(id))
  turn.change(id, { heldFor: undefined, lastError: undefined, standing: UNSEEN })
  report(turn, id, from, 'released by an operator')
}

/** The cluster and history that are found next are accepted, after the cluster has been rebuilt. */
export function resetBegun(turn: Turn): void {
  turn.set({ latest: undefined, promotions: new Map() })
  acceptHistories(turn)
  reopenCluster(turn)
  for (const { id, standing } of turn.view.endpoints) {
    turn.change(id, { heldFor: undefined })
    if (standing.state === 'FENCED' || standing.state === 'QUARANTINED')
      mark(turn, id, 'UNKNOWN', 'reset by an operator')
  }
}

/** Every endpoint has been asked. Which cluster it is, the servers of the options say; if none does, it stays the one it was. */
export function resetEnded(turn: Turn): void {
  adoptCluster(turn)
  settleCluster(turn)
  reconsiderAll(turn)
  acceptHistories(turn)
  evaluate(turn, 'reset')
}

/** A primary that is older than what standbys follow now is accepted from now on. */
function acceptHistories(turn: Turn): void {
  const accepted = turn.view.endpoints
    .filter((each) => each.role === 'standby')
    .map((each) => each.result?.history)
    .filter((history) => history !== undefined)
  turn.set({ accepted })
}
