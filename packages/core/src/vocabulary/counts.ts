/** How many connections and callers a pool has, in the words used everywhere: `total` is idle, inUse, testing and cleaning. */
export interface PoolCounts {
  /** Open connections, lent or not. */
  readonly total: number
  readonly idle: number
  readonly inUse: number
  /** Open connections whose server is being asked for a sign of life. */
  readonly testing: number
  /** Open connections that came back and are made fit for the next borrower. */
  readonly cleaning: number
  /** Connections being opened. */
  readonly connecting: number
  /** Callers queued for a connection. */
  readonly waiting: number
  /** Open connections above `poolSize`. */
  readonly overflow: number
  /** `poolSize + maxOverflow`. */
  readonly limit: number
}

/** Leaks of one pool. */
export interface LeakCounts {
  /** Reported since the start. */
  readonly detected: number
  /** Reported and not returned yet. */
  readonly active: number
}
