import type { ClusterState } from '../../vocabulary/states.js'
import { stateIs } from '../states.js'
import type { Turn } from './turn.js'
import { type ClusterView, stateOf } from './view.js'

/** Puts the cluster into a state, and says so if it is another one. */
export function settle(turn: Turn, to: ClusterState, reason: string): void {
  const from = turn.view.state
  if (to === from) return
  turn.set({ state: to })
  turn.emit({ type: 'clusterStateChanged', pool: turn.rules.name, from, to, reason })
}

/** The state of a cluster without a writer: one that had none, or has been looked for in vain, is not failing over. */
export function writerlessState({ endpoints, left, search }: ClusterView): ClusterState {
  if (left !== undefined && search?.phase !== 'exhausted') return 'FAILING_OVER'
  return endpoints.some((each) => stateIs(stateOf(each), 'alive')) ? 'DEGRADED' : 'ALL_DOWN'
}
