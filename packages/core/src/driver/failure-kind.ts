/**
 * What went wrong, in the terms that decide what happens next.
 *
 * - `lost`: the connection is gone; what was in flight has an unknown outcome
 * - `unreachable`: no connection came about (refused, reset, DNS, connect timeout)
 * - `starting`: the server is there but not ready yet
 * - `busy`: the server is there but has no room
 * - `setup`: nothing but a person can mend it (bad credentials, missing database, TLS)
 * - `defect`: the program is wrong, such as a client class that throws a TypeError; no server has had a part in it
 * - `shutdown`: the server reported that it ended the session
 * - `read-only`: the server refused a write without effect
 * - `serialization`: an ordinary conflict of two transactions
 * - `statement`: any other error that the server has answered a statement with; the connection is fine
 */
export type FailureKind =
  | 'lost'
  | 'unreachable'
  | 'starting'
  | 'busy'
  | 'setup'
  | 'defect'
  | 'shutdown'
  | 'read-only'
  | 'serialization'
  | 'statement'

/** True if a failure is the answer of a server that works: it could not run the statement at that moment. */
export function isAnswer(kind: FailureKind): boolean {
  return kind === 'statement' || kind === 'serialization'
}

/** True if a connection that met this failure must not be lent again. */
export function isFatal(kind: FailureKind): boolean {
  return kind === 'lost' || kind === 'shutdown' || kind === 'read-only' || kind === 'unreachable'
}
