import type { ProbeResult } from '../../driver/replication.js'
import { settle, writerlessState } from './cluster-state.js'
import { type Candidate, type Election, type ElectionMemory, elect, electInOrder } from './elect.js'
import { mark } from './marking.js'
import { adoptCluster } from './membership.js'
import { promotionOf } from './promotions.js'
import { startSearch } from './search.js'
import { leave, switchTo } from './succession.js'
import type { Turn } from './turn.js'
import { type ClusterView, type EndpointView, endpointOf, stateOf } from './view.js'

/** Holds an election, and has callers follow its outcome; not before the survey of the start. */
export function evaluate(turn: Turn, reason: string): void {
  if (!turn.view.start.surveyed) return
  // One connection in trouble is no reason to leave for an independent server; the probe under way decides.
  if (turn.rules.kind === 'ordered' && isWriterSuspect(turn)) return
  adoptCluster(turn)
  const election = holdElection(turn)
  for (const id of election.fenced) fence(turn, id)
  if (election.outcome === 'writer') follow(turn, election.id, reason)
  else doWithoutWriter(turn, election)
}

function follow(turn: Turn, id: string, reason: string): void {
  if (stateOf(turn.endpoint(id)) === 'FENCED')
    mark(turn, id, 'PROBATION', 'no newer primary is known any more')
  if (id !== turn.view.writer) switchTo(turn, turn.endpoint(id))
  const { result } = turn.endpoint(id)
  if (result !== undefined) noteHistory(turn, result)
  settle(turn, 'STEADY', reason)
}

function doWithoutWriter(turn: Turn, election: Exclude<Election, { outcome: 'writer' }>): void {
  const { outcome, reason } = election
  // Nothing is known against the writer yet; its next probe decides.
  if (outcome === 'none' && isWriterSuspect(turn)) return
  if (turn.writer !== undefined) leave(turn, turn.writer, reason)
  startSearch(turn)
  settle(turn, outcome === 'split-brain' ? 'SPLIT_BRAIN' : writerlessState(turn.view), reason)
}

/** Whether the writer is about to be probed; one that is not in the list any more is not. */
function isWriterSuspect({ view }: Turn): boolean {
  const writer = endpointOf(view, view.writer)
  return writer !== undefined && stateOf(writer) === 'SUSPECT'
}

/** The latest history that was followed is never left for an older one. */
export function noteHistory(turn: Turn, { cluster, history }: ProbeResult): void {
  const { latest } = turn.view
  if (history === undefined || history === latest?.history) return
  if (latest !== undefined && turn.rules.history.order(history, latest.history) === 'older') return
  turn.set({ latest: { history, cluster } })
}

function holdElection({ rules, view }: Turn): Election {
  const { accepted, latest, left, writer } = view
  const memory: ElectionMemory = {
    accepted,
    writer: writer ?? left?.id,
    left: writer === undefined,
    latest: latest?.history,
    splitBrain: rules.knobs.splitBrain,
  }
  const candidates = view.endpoints
    .filter((each) => each.doubt === undefined)
    .map((each) => toCandidate(each, view))
  return rules.kind === 'role'
    ? elect(candidates, memory, rules.history.order)
    : electInOrder(inPreferredOrder(candidates, view, rules.knobs.autoFailback), memory)
}

function toCandidate(endpoint: EndpointView, { promotions }: ClusterView): Candidate {
  const { id, named, result, role } = endpoint
  return {
    id,
    state: stateOf(endpoint),
    role,
    writable: result?.writable ?? false,
    server: result?.server,
    history: result?.history,
    named,
    ...promotionOf(promotions, id),
  }
}

/** The pinned endpoint comes first, and without automatic failback the one that serves now. */
function inPreferredOrder(
  candidates: readonly Candidate[],
  { pinned, writer }: ClusterView,
  autoFailback: boolean,
): readonly Candidate[] {
  const first = pinned ?? (autoFailback ? undefined : writer)
  if (first === undefined) return candidates
  return [...candidates].sort((a, b) => Number(b.id === first) - Number(a.id === first))
}

function fence(turn: Turn, id: string): void {
  if (stateOf(turn.endpoint(id)) === 'FENCED') return
  mark(turn, id, 'FENCED', 'claims to be the primary, but a newer one is known')
}
