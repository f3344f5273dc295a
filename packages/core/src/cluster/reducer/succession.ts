import type { FailoverCompletedEvent } from '../../events/cluster-events.js'
import { stateIs } from '../states.js'
import { succeeded } from './promotions.js'
import { rebased } from './replication-lag.js'
import { searchingMs, startSearch, stopSearch } from './search.js'
import type { Turn } from './turn.js'
import { type EndpointView, type Predecessor, stateOf } from './view.js'

/** Callers leave the writer, and another is looked for. */
export function leave(turn: Turn, writer: EndpointView, reason: string): void {
  const { id, order } = writer
  turn.set({
    writer: undefined,
    left: { id, order, alive: stateIs(stateOf(writer), 'serves') },
  })
  startSearch(turn)
  turn.do({ type: 'trace', moment: 'start', id })
  turn.emit({ type: 'failoverStarted', pool: turn.rules.name, endpoint: id, reason })
  // Its idle connections are of no use to writers; what is still running on a living server may finish.
  turn.tell(id, { outdated: reason })
  turn.reroute()
  turn.do({ type: 'hurry' })
}

/** Callers move to another writer, or back to the one that was left. */
export function switchTo(turn: Turn, writer: EndpointView): void {
  const { id } = writer
  const reason = whyTo(turn, writer)
  const { writer: former } = turn
  if (former !== undefined) leave(turn, former, reason)
  const { left, requested, search } = turn.view
  const moved = left !== undefined && left.id !== id
  const durationMs = searchingMs(search, turn.at.now)
  stopSearch(turn)
  takeOver(turn, writer, left, moved)
  turn.tell(id, { roleChanged: true, crowded: moved })
  turn.serve(id)
  turn.reroute()
  turn.do({ type: 'trace', moment: 'end', id })
  if (!moved) return
  turn.set({ requested: undefined })
  turn.emit({
    type: kindOfMove(turn, left, writer, requested === id),
    pool: turn.rules.name,
    endpoint: id,
    from: left.id,
    epoch: turn.view.epoch,
    reason,
    durationMs,
  })
}

function takeOver(
  turn: Turn,
  { id, result }: EndpointView,
  left: Predecessor | undefined,
  moved: boolean,
): void {
  const { epoch, pinned, promotions, written } = turn.view
  const isRole = turn.rules.kind === 'role'
  const position = isRole ? result?.position : undefined
  turn.set({
    writer: id,
    left: undefined,
    epoch: moved ? epoch + 1 : epoch,
    promotions: left === undefined ? promotions : succeeded(promotions, left.id, id),
    // An independent server's positions have nothing to do with those before.
    written: position === undefined ? [] : rebased(written, position, turn.rules.history.covers),
    pinned: pinned === id ? pinned : undefined,
  })
  if (!isRole) return
  for (const each of turn.view.endpoints)
    turn.tell(each.id, { requiredRole: each.id === id ? 'primary' : 'standby' })
}

function whyTo(turn: Turn, { id, order }: EndpointView): string {
  if (turn.view.requested === id) return 'requested by an operator'
  if (turn.rules.kind === 'role') return `${id} is the primary`
  const from = turn.writer ?? turn.view.left
  return from !== undefined && order < from.order
    ? `${id} is preferred, and is trusted again`
    : `${id} is the first that answers`
}

function kindOfMove(
  turn: Turn,
  from: Predecessor,
  to: EndpointView,
  requested: boolean,
): FailoverCompletedEvent['type'] {
  const back = to.order < from.order
  if (requested) return back ? 'failbackCompleted' : 'switchoverCompleted'
  if (turn.rules.kind === 'ordered' && back) return 'failbackCompleted'
  return from.alive ? 'switchoverCompleted' : 'failoverCompleted'
}
