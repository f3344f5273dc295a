/** A line of user code, outside of Node, of packages and of connmgr. */
export interface CodePlace {
  /** Name of the innermost named function around the line, or `<anonymous>`. */
  readonly functionName: string
  readonly file: string
  readonly line: number
  readonly column: number
}

/** A distribution of times, in milliseconds. The quantiles of a sketch are within 5 % of the true ones. */
export interface Distribution {
  readonly count: number
  readonly totalMs: number
  readonly meanMs: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** What a statement does, by its leading keyword. */
export type StatementKind =
  | 'read'
  | 'insert'
  | 'update'
  | 'delete'
  | 'merge'
  | 'transaction'
  | 'definition'
  | 'session'
  | 'other'

/** Keys and values of sqlcommenter comments, such as `route` and `controller`. */
export type StatementTags = Readonly<Record<string, string>>

/** Names a statement's shape. */
export interface StatementIdentity {
  /** 16 hexadecimal digits; the same for texts that differ in values, spacing, comments and lengths of lists alone. */
  readonly fingerprint: string
  /** The statement without values: literals and parameters are `?`. At most 2,000 characters. */
  readonly text: string
}

/** One fingerprint at one call site. */
export interface StatementStats extends StatementIdentity {
  readonly kind: StatementKind
  /** Relations that the text names, as written; empty if none. */
  readonly tables: readonly string[]
  /** Undefined if no stack led to user code. */
  readonly site: CodePlace | undefined
  /** Of the latest call that had any. */
  readonly tags: StatementTags
  readonly calls: number
  readonly errors: number
  readonly rows: number
  /** Calls that ran as a prepared statement. */
  readonly prepared: number
  /** Calls that ran in a transaction. */
  readonly inTransaction: number
  /** Calls that came with bare literals: how often the text carried values. Numbers in a list of IN are counted apart. */
  readonly withLiterals: number
  /** Calls that came with numbers in a list of IN, as libraries write the keys of what they have read. */
  readonly withListedNumbers: number
  /** Waiting for a connection, before the statement was sent. */
  readonly wait: Distribution
  /** From sent to answered. */
  readonly run: Distribution
  /** Of the run time of all statements, from 0 to 1. */
  readonly share: number
  /** Milliseconds since the Unix epoch. */
  readonly firstSeenAt: number
  readonly lastSeenAt: number
}

/** Transactions that began at one call site. */
export interface TransactionStats {
  /** Where the connection was acquired, or, if no stack led there, where the first statement was issued. */
  readonly site: CodePlace | undefined
  readonly count: number
  readonly committed: number
  /** Rolled back, or ended by the loss or reset of the connection. */
  readonly rolledBack: number
  /** From BEGIN to the end. */
  readonly length: Distribution
  /** Of that, the time in which no statement ran. */
  readonly heldIdle: Distribution
  readonly meanStatements: number
  readonly maxStatements: number
}

/** Leases that were acquired at one call site, and for how long they kept their connection without a statement running. */
export interface HeldIdleStats {
  readonly site: CodePlace | undefined
  readonly leases: number
  /** Leases that were idle for `heldIdleMs` or longer. */
  readonly exceeded: number
  /** Of these, those that were in a transaction. */
  readonly exceededInTransaction: number
  /** From acquire to release. */
  readonly held: Distribution
  /** Held time less the run time of the statements. */
  readonly heldIdle: Distribution
  /** The longest single gap in which no statement ran; undefined if none was longer than `heldIdleMs`. */
  readonly longestGap: HeldIdleGap | undefined
  /** Leases that are open now and idle beyond `heldIdleMs`. */
  readonly open: number
}

/** A gap in which a connection was held and no statement ran. */
export interface HeldIdleGap {
  readonly durationMs: number
  /** The statement before the gap; undefined if the lease had run none. */
  readonly after: (StatementIdentity & { readonly site: CodePlace | undefined }) | undefined
  readonly inTransaction: boolean
}

/** A statement that one request or unit of work repeats at one call site. */
export interface NPlusOneVerdict extends StatementIdentity {
  /** The innermost line of user code. */
  readonly site: CodePlace
  /** Lines of user code that led there, innermost first, `site` included; at most 5. */
  readonly path: readonly CodePlace[]
  readonly tables: readonly string[]
  /** Requests or units of work that repeated it. */
  readonly contexts: number
  /** The most repeats in one of them. */
  readonly maxRepeats: number
  /** Mean number of repeats. */
  readonly meanRepeats: number
  /** Run time of all repeats together. */
  readonly totalRunMs: number
  /** How the contexts were told apart: by an HTTP request or `scope()`, by a transaction, or by the rows of a statement before. */
  readonly evidence: 'request' | 'transaction' | 'parent-rows'
  /** The statement before the repeats, whose rows they follow, if it is known. */
  readonly parent: (StatementIdentity & { readonly site: CodePlace | undefined }) | undefined
  readonly firstSeenAt: number
  readonly lastSeenAt: number
}

/** One session that waits or holds, as named in {@link BlockingEdge}. */
export interface BlockingParty {
  readonly processId: number
  /** Undefined for a session of another process, or if no stack led to user code. */
  readonly site: CodePlace | undefined
  /** Its running or latest statement, without values. */
  readonly statement: StatementIdentity | undefined
  /** Whether it is a lease of this manager. */
  readonly own: boolean
  /** Of sessions that are not ours: `application_name`, or account and host on MySQL and MariaDB. */
  readonly application: string | undefined
  /** The server's word for its state, such as `idle in transaction`. */
  readonly state: string | undefined
}

/** A statement that waits for a lock, and who holds it. */
export interface BlockingEdge {
  readonly waiter: BlockingParty
  readonly blocker: BlockingParty
  /** The relation that is locked, if the server names it. */
  readonly relation: string | undefined
  /** Kind of lock waited for, such as `transactionid` or `relation`. */
  readonly lockType: string | undefined
  /** The longest wait that was seen. */
  readonly waitedMs: number
  /** How often the pair of call sites was seen waiting: distinct waits. */
  readonly count: number
  /** Whether it was still so at the latest look. */
  readonly active: boolean
  readonly firstSeenAt: number
  readonly lastSeenAt: number
}

/** A statement that took `slowMs` or longer. */
export interface SlowQuery extends StatementIdentity {
  readonly site: CodePlace | undefined
  readonly tags: StatementTags
  readonly waitMs: number
  readonly runMs: number
  readonly rowCount: number | undefined
  /** Code of the error it ended with, if it did. */
  readonly error: string | undefined
  readonly endpoint: string | undefined
  /** When it ended, in milliseconds since the Unix epoch. */
  readonly at: number
}

/** A generic plan of a statement (`plans: true`). */
export interface StatementPlan extends StatementIdentity {
  /** Hash of the plan's shape: node types, relations, indexes and joins, without costs. */
  readonly hash: string
  /** The shape in one line, such as `Nested Loop(Seq Scan users, Index Scan posts_pkey)`. */
  readonly shape: string
  readonly cost: number
  /** Relations that it reads as a whole, with the planner's estimate of their rows. */
  readonly sequentialScans: readonly SequentialScan[]
  readonly at: number
}

/** A full read of a relation. */
export interface SequentialScan {
  readonly relation: string
  readonly schema: string | undefined
  /** The condition without values, as the server prints it. */
  readonly filter: string | undefined
  /** Estimated rows that pass. */
  readonly rows: number
}

/** A statement whose plan changed its shape. */
export interface PlanChange extends StatementIdentity {
  readonly from: StatementPlan
  readonly to: StatementPlan
  readonly at: number
}

/** Sums over all statements since the start or the last `reset()`. */
export interface InsightsTotals {
  readonly statements: number
  readonly errors: number
  readonly rows: number
  readonly waitMs: number
  readonly runMs: number
  readonly leases: number
  readonly heldMs: number
  readonly heldIdleMs: number
  readonly transactions: number
  /** Statements whose fingerprint is no longer kept, because `maxFingerprints` others were used since. */
  readonly forgotten: number
  /** Fingerprints that are kept. */
  readonly fingerprints: number
}

/** How long runs of one kind took, in milliseconds. */
export interface PlannedRuns {
  readonly count: number
  readonly meanMs: number
  readonly p50Ms: number
}

/** A prepared statement that the server runs faster by plans for its values than by the plan that it keeps for all. */
export interface PlanJumpVerdict extends StatementIdentity {
  /** The call site that takes the most time of it; undefined if none is known. */
  readonly site: CodePlace | undefined
  /** When it began to show, in milliseconds since the Unix epoch. */
  readonly at: number
  /** How often the statement was prepared anew to compare. */
  readonly rounds: number
  /** By plans for their values. */
  readonly before: PlannedRuns
  /** By the plan that is kept. */
  readonly after: PlannedRuns
  /** Runs since it began to show. */
  readonly runs: number
  /** What the server counts on the connections that were asked; undefined before `refresh()`, and below PostgreSQL 14. */
  readonly plans: PlanKinds | undefined
}

/** By which plans a statement was run. */
export interface PlanKinds {
  readonly genericPlans: number
  readonly customPlans: number
}

/** All that {@link Insights} knows, as plain data. */
export interface InsightsSnapshot {
  /** The manager's name. */
  readonly pool: string
  /** The driver's name, such as `postgresql`; undefined before the first statement. */
  readonly database: string | undefined
  /** When it was taken, in milliseconds since the Unix epoch. */
  readonly at: number
  /** How long it had been collected. */
  readonly durationMs: number
  readonly options: InsightsThresholds
  readonly totals: InsightsTotals
  /** By run time, longest in total first. */
  readonly statements: readonly StatementStats[]
  readonly transactions: readonly TransactionStats[]
  /** By held idle time, longest in total first; sites that held idle at all. */
  readonly heldIdle: readonly HeldIdleStats[]
  readonly nPlusOne: readonly NPlusOneVerdict[]
  readonly blocking: readonly BlockingEdge[]
  /** Slowest first. */
  readonly slow: readonly SlowQuery[]
  readonly plans: readonly StatementPlan[]
  readonly planChanges: readonly PlanChange[]
  /** Statements that are slower by the plan that the server keeps for all values. The costliest first. */
  readonly planJumps: readonly PlanJumpVerdict[]
}

/** The bounds in force. */
export interface InsightsThresholds {
  readonly slowMs: number
  readonly heldIdleMs: number
  readonly nPlusOneThreshold: number
  readonly maxFingerprints: number
}
