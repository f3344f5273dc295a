/** A message to the process of some contenders: what one of them is to run at once. */
export interface WindowOrder {
  readonly case: string
  readonly contender: string
  readonly callers: number
  readonly durationMs: number
  /** Whether the contender has had its last window of this case then. */
  readonly isLast?: true
}

/** What one window came to. */
export interface Window {
  /** Nanoseconds of the clock per query. */
  readonly wall: number
  /** Nanoseconds of the processor per query: of all threads of the contender's process. */
  readonly processor: number
  readonly queries: number
  /** Of each query, in nanoseconds. */
  readonly latencies: Float64Array
}
