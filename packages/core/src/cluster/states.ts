/**
 * What is known about an endpoint.
 *
 * - `UNKNOWN`: not probed yet
 * - `UP`: answers
 * - `SUSPECT`: something failed on it; a probe is deciding
 * - `DOWN`: refused twice, or missed `suspectCount` deadlines
 * - `PROBATION`: answers again after having been down, not yet trusted for failback or reads
 * - `STARTING`: reachable, but refuses logins: it still starts or recovers, or waits for its sessions to end
 * - `BUSY`: alive, but has no connection to spare
 * - `QUARANTINED`: needs a person: another cluster, bad credentials, missing database
 * - `FENCED`: claims to be the primary, but another one is newer, or it cannot show that none is
 * - `UNPROVEN`: named by a topology source, and answers, but has not shown that it belongs to the cluster: it serves
 *   nobody, and has no say in who is the writer
 */
export type EndpointState =
  | 'UNKNOWN'
  | 'UP'
  | 'SUSPECT'
  | 'DOWN'
  | 'PROBATION'
  | 'STARTING'
  | 'BUSY'
  | 'QUARANTINED'
  | 'FENCED'
  | 'UNPROVEN'

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

/**
 * What is known about all endpoints together.
 *
 * - `STEADY`: there is a writer
 * - `DEGRADED`: reads go on, but there is no writer
 * - `FAILING_OVER`: the writer was lost, another is being looked for
 * - `SPLIT_BRAIN`: two primaries with equal claims; writes are refused
 * - `ALL_DOWN`: no endpoint answers
 */
export type ClusterState = 'STEADY' | 'DEGRADED' | 'FAILING_OVER' | 'SPLIT_BRAIN' | 'ALL_DOWN'

/** What a caller wants to be connected to. */
export type Target = 'primary' | 'standby' | 'prefer-standby' | 'any'
export const TARGETS: readonly Target[] = ['primary', 'standby', 'prefer-standby', 'any']
