/** What the application does, as the options of `doctor` say it: the server is judged against it. */
export interface Plan {
  /** Processes of the application. */
  readonly instances: number
  /** Connections that each opens at the most to one server: `poolSize + maxOverflow`. */
  readonly limit: number
  /** After which time a pool replaces a connection; Infinity for never. */
  readonly maxLifetimeMs: number
  /** After which time a pool closes an idle connection; Infinity for never. */
  readonly idleTimeoutMs: number
  /** After which time a NAT gateway or a load balancer forgets an idle connection. */
  readonly natTimeoutMs: number
  /** From which time on a session that is idle in a transaction, or waits for a lock, is reported. */
  readonly idleTransactionMs: number
  /** Milliseconds since the Unix epoch. */
  readonly now: number
}
