import type { EndpointState } from '../vocabulary/states.js'

/**
 * What the state of an endpoint says about it.
 *
 * - `expected`: it can be expected to serve, or nothing speaks against it yet
 * - `serves`: callers may have its connections
 * - `open`: it lets callers in
 * - `answers`: its latest probe was answered
 * - `alive`: it is there, whatever it may be good for
 * - `lost`: nothing can be got from the sockets that are still open to it
 * - `distrusted`: it is up again only by way of `PROBATION`
 */
export type EndpointTrait =
  | 'expected'
  | 'serves'
  | 'open'
  | 'answers'
  | 'alive'
  | 'lost'
  | 'distrusted'

/** The one place that says what each state permits. */
const TRAITS: Readonly<Record<EndpointState, readonly EndpointTrait[]>> = {
  UNKNOWN: ['expected'],
  UP: ['expected', 'serves', 'open', 'answers', 'alive'],
  PROBATION: ['expected', 'serves', 'open', 'answers', 'alive', 'distrusted'],
  BUSY: ['expected', 'serves', 'alive'],
  SUSPECT: ['alive'],
  FENCED: ['answers', 'alive', 'lost', 'distrusted'],
  DOWN: ['lost', 'distrusted'],
  STARTING: ['lost', 'distrusted'],
  QUARANTINED: ['lost', 'distrusted'],
  UNPROVEN: [],
}

/** Whether a state of an endpoint has this trait. */
export function stateIs(state: EndpointState, trait: EndpointTrait): boolean {
  return TRAITS[state].includes(trait)
}
