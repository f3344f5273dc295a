/** Who holds a connection, since when, and what for. A snapshot; safe to log: it holds no parameters of a query. */
export interface LeaseReport {
  readonly leaseId: number
  readonly connectionId: number
  readonly endpoint: string
  /** What the caller named the work, through `label` or `runWithContext`. */
  readonly label?: string
  /** True if it is held on purpose, by the option `longLived` or as its session listens: then it is never a leak. */
  readonly longLived?: boolean
  readonly checkedOutAt: Date
  /** Time held, less the time the event loop or the process stood still. */
  readonly heldForMs: number
  /**
   * `function (file:line:column)`, where the caller's own code acquired it, or if a library acquired it in a flow of its
   * own, where that code used it first; undefined if no stack was captured.
   */
  readonly checkedOutBy: string | undefined
  /** The caller's frames, one a line, without those of Node and of packages. */
  readonly stack: string | undefined
  /** The latest statement of this lease, as `reportSql` says: its text, its fingerprint or nothing. Never its parameters. */
  readonly lastQuery: string | undefined
  /** Statements sent by this lease. */
  readonly queryCount: number
}
