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
 *   no caller, and has no say in who is the writer
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
 * What is known about all endpoints together.
 *
 * - `STEADY`: there is a writer
 * - `DEGRADED`: reads go on, but there is no writer
 * - `FAILING_OVER`: the writer was lost, another is being looked for
 * - `SPLIT_BRAIN`: two primaries with equal claims; writes are refused
 * - `ALL_DOWN`: no endpoint answers
 */
export type ClusterState = 'STEADY' | 'DEGRADED' | 'FAILING_OVER' | 'SPLIT_BRAIN' | 'ALL_DOWN'
