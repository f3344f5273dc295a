/**
 * What the messages of the tracing channel `connmgr:query` carry: one object per statement, filled in as it proceeds. It has
 * the text of the statement, and never the values of its parameters.
 *
 * Times are in milliseconds of the manager's clock, which is monotonic.
 */
export interface QueryContext {
  /** The manager's id in {@link connectionManagers}. */
  readonly manager: number
  /** The manager's name. */
  readonly pool: string
  /** The driver's name, such as that of the database. */
  readonly database: string
  /** The SQL as the caller wrote it, its secrets removed; by `reportSql` its fingerprint, or empty. */
  readonly text: string
  /** When it was called for. */
  readonly startedAt: number
  /** `host:port/database` of the server that it ran on. Absent until it has a connection. */
  readonly endpoint?: string
  /** As in events. Absent until it has a connection. */
  readonly connectionId?: number
  /** How the server calls the session, where it has said. */
  readonly processId?: number
  /** The lease that it ran on, as in `Lease.id`. Absent for statements of a hook that prepares a new connection. */
  readonly lease?: number
  /**
   * Another tracer has wrapped the client of the driver, as OpenTelemetry's instrumentation of pg does, and makes a span of
   * its own of each statement.
   */
  readonly instrumented?: boolean
  /** It ran on a connection together with statements of other callers. */
  readonly shared?: boolean
  /** It ran as a prepared statement. */
  readonly prepared?: boolean
  /** The transaction that it began, ran in or ended. Absent outside of one. */
  readonly transaction?: {
    /** Unique within the process. */
    readonly id: number
    /** `rollback` also for a COMMIT that the server has answered by rolling back. */
    readonly boundary?: 'begin' | 'commit' | 'rollback'
  }
  /** How long it waited before it was sent: for a connection, and behind other statements on it. */
  readonly waitMs?: number
  /** How long it ran: from being sent until it was answered. 0 for one that was never sent. */
  readonly runMs?: number
  /** Rows that it has returned or changed, where the database tells. */
  readonly rowCount?: number
  /** The error that its caller got, if it failed. */
  readonly error?: unknown
}

/** The same while it is being filled in. */
export type OpenQueryContext = { -readonly [K in keyof QueryContext]: QueryContext[K] }
