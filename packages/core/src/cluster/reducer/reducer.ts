import type { Decision } from './effects.js'
import type { Moment, Observation, ObservationOf, ObservationType } from './observations.js'
import { Turn } from './turn.js'
import type { ClusterView, Rules } from './view.js'

/** What is known after one more observation, made at some moment, and what is to be done. Pure. */
export type Reducer = (
  view: ClusterView,
  observation: Observation,
  at: Moment,
  rules: Rules,
) => Decision

/** What decides on one kind of observation. */
type Part<T extends ObservationType> = (turn: Turn, observation: ObservationOf<T>) => void

/** The reducer that is made of these parts. Any other observation, or one about an endpoint that has left, changes nothing. */
export function reducerOf(parts: { readonly [T in ObservationType]?: Part<T> }): Reducer {
  return (view, observation, at, rules) => {
    const turn = new Turn(view, rules, at)
    const part = parts[observation.type] as Part<ObservationType> | undefined
    if (!view.stopped && concerns(view, observation)) part?.(turn, observation)
    return turn.end()
  }
}

/** Whether an observation is about the cluster, or one of its endpoints. */
function concerns(view: ClusterView, observation: Observation): boolean {
  return !('id' in observation) || view.endpoints.some((each) => each.id === observation.id)
}
