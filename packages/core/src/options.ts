import type { FailoverOptions } from './cluster/options.js'
import type { ResetPolicy } from './driver/contract.js'
import type { Logger } from './events/log.js'
import type { LeakDetectionOptions } from './leaks/leak-detector.js'
import type { Budget } from './pool/connection-budget.js'
import type { ReportSql } from './secrets/sql-reports.js'
import type { Clock } from './time/clock.js'
import type { TopologySource } from './topology/source.js'
import type { OnAcquire } from './work/acquire-hook.js'

/** How the background health monitor works. */
export interface HealthMonitoringOptions {
  /**
   * Pause between checks, with a single endpoint; it is also checked after any trouble, and when statements run and
   * nothing comes from it for a second. With several, `failover.probeIntervalMs` rules. `@default` 60_000
   */
  readonly intervalMs?: number
  /**
   * Deadline of one check, with a single endpoint, which takes a login. With several, `failover.probeTimeoutMs` rules.
   * `@default` 5000, or `connectTimeoutMs` if that is longer
   */
  readonly timeoutMs?: number
  /** Checks to keep. `@default` 100 */
  readonly history?: number
  /** How long a trouble must last before `getHealthStatus()` shows it. `@default` 5000 */
  readonly unhealthyAfterMs?: number
  /** How long all must be well again before `getHealthStatus()` shows it. `@default` 1000 */
  readonly healthyAfterMs?: number
  /**
   * Pauses monitoring after this time without a lease or a waiting caller, so that a database can scale to zero. `minIdle`
   * and topology sources pause as well. The next acquire resumes it; with several servers all are probed before it is
   * served. Monitoring goes on while something is wrong. 0 for never. `@default` 0
   */
  readonly restAfterMs?: number
}

/** Options of a connection manager, whatever its driver. All times are in milliseconds; 0 means "off" where it says so. */
export interface ManagerOptions<C extends object> {
  /** Shown in events, errors and logs. `@default` the driver's name */
  readonly name?: string
  /** Connections kept open when idle, per endpoint. `@default` DB_POOL_SIZE, else 5 */
  readonly poolSize?: number
  /** Connections that may be opened above `poolSize` when needed; closed when no caller waits. `@default` DB_MAX_OVERFLOW, else 10 */
  readonly maxOverflow?: number
  /** Idle connections kept ready before they are asked for. `@default` 0 */
  readonly minIdle?: number
  /** Deadline of an acquire: queueing, connecting and validating together. `@default` 30_000 */
  readonly acquireTimeoutMs?: number
  /**
   * Deadline of callers until a connection has come about for the first time, counted from the first of them: if the server
   * has refused by then (nothing listens, no such name, wrong password, still starting), they fail with
   * `CONNMGR_CONNECT_FAILED`, its error as the `cause`, rather than at the end of `acquireTimeoutMs`. Those who come after
   * that fail with the next refusal. A call with a `timeoutMs` of its own keeps that. Ten seconds are enough for a
   * database that is started together with the application, and short enough for a port that was mistyped; after one
   * second `startDelayed` tells what is being waited for. 0 waits for `acquireTimeoutMs`. `@default` 10_000
   */
  readonly startTimeoutMs?: number
  /**
   * Deadline of one attempt to connect. One in which the server goes on to send something, or to a server whose logins
   * have taken longer, gets up to 20 s. `@default` 5000
   */
  readonly connectTimeoutMs?: number
  /** Age at which a connection is replaced; 0 for never. `@default` 3_600_000 */
  readonly maxLifetimeMs?: number
  /** Share of `maxLifetimeMs`, 0 to 1, by which lifetimes are shortened at random. `@default` 0.1 */
  readonly lifetimeJitter?: number
  /** Time after which an unused connection is closed, down to `minIdle`; 0 for never. `@default` 600_000 */
  readonly idleTimeoutMs?: number
  /**
   * Lets the process end as soon as nothing is lent, waiting or under way, though connections are open. Without it an idle
   * connection keeps the process running for `idleTimeoutMs`, but for no longer than 10 seconds, which is what `pg.Pool`
   * does by default. Either way no `close()` is needed for a script to end. `@default` false
   */
  readonly allowExitOnIdle?: boolean
  /** Leases after which a connection is replaced; 0 for never. `@default` 0 */
  readonly maxUses?: number
  /** Ask a connection for a sign of life, and its server for its role, before it is lent. `@default` true */
  readonly prePing?: boolean
  /** A connection used within this time is lent without a ping: it would cost a round trip and tell little. `@default` 500 */
  readonly prePingBypassMs?: number
  /**
   * The longest that such a ping may take. Of a server that has answered before no more than twice the time is waited that
   * it may need by what was measured, and a second at the least. `@default` 5000
   */
  readonly validateTimeoutMs?: number
  /** Callers that may queue; the next one is rejected at once. 0 for no limit. `@default` 0 */
  readonly maxWaiters?: number
  /**
   * How a connection is cleaned between two borrowers. An open transaction is always rolled back; this is about what
   * else the session keeps: settings, roles, locks and so on. With 'auto' that costs a round trip after a lease that
   * may have changed the session, and nothing after all others. Set it to 'none' behind a pooler in transaction mode,
   * where the session is not the caller's. `@default` 'auto'
   */
  readonly reset?: ResetPolicy<C>
  /** Deadline of cleaning a connection. `@default` 5000 */
  readonly resetTimeoutMs?: number
  /** Deadline of closing a connection in order; after that its socket is destroyed. `@default` 1000 */
  readonly closeTimeoutMs?: number
  /** Which idle connection is lent first: the latest used (`lifo`, lets the others expire) or the longest idle. `@default` 'lifo' */
  readonly idleOrder?: 'lifo' | 'fifo'
  /**
   * Connections being opened at the same time, per endpoint: a server that comes back is not stormed. After it has ended
   * connections one is opened ahead of the others, for 150 ms at most. `@default` 4
   */
  readonly connectConcurrency?: number
  /**
   * Over what time a pool opens its connections to a server that has just come back or taken over, instead of all at
   * once; the first is opened at once. `@default` 2000
   */
  readonly rampMs?: number
  /**
   * How long a read that must see a write (`after`, or in a session) and prefers a standby waits for one to replay it,
   * before it goes to the writer. Standbys known to be further behind are not waited for. `@default` 500
   */
  readonly catchUpWaitMs?: number
  /**
   * For how long after a write the reads of a session (`withSession`) go to the writer at once; later ones wait for
   * replay. `@default` 0: all wait for replay
   */
  readonly stickyReadsMs?: number
  /**
   * A statement that runs for longer has its connection destroyed, and is cancelled on the server, unless the server
   * itself answers no more. A cursor is one statement until it is closed. 0 for never. `@default` 0
   */
  readonly queryTimeoutMs?: number
  /**
   * `static` keeps one connection for ever and lends it to one caller at a time, for engines in which a second one would
   * be another database. It implies `poolSize: 1` and `maxOverflow: 0`, and none of `maxLifetimeMs`, `idleTimeoutMs` and
   * `maxUses`. `@default` 'pooled'
   */
  readonly poolMode?: 'pooled' | 'static'
  /**
   * Prepares every new connection, on whichever server, for example with `SET`; and again each time that `reset` has
   * wiped the session. It has what `connectTimeoutMs` (or `resetTimeoutMs`) leaves. If it fails, takes longer or leaves
   * a transaction open, the connection is not used: a first failure costs one caller, from the second in a row on all
   * that wait fail with `CONNMGR_CONNECT_FAILED`, and attempts pause longer and longer.
   */
  readonly onConnect?: (connection: C) => Promise<void> | void
  /**
   * Awaited before each lease, in the asynchronous flow of its caller: sets up the connection for that caller, by `SET
   * ROLE` or a setting that row level security reads. It is handed the `context` of the call or of `runWithContext`, and
   * sees the caller's `AsyncLocalStorage`. What it sends is undone before the next borrower, so it cannot be combined with
   * `reset: 'none'`. If it fails, the acquire rejects with `CONNMGR_ACQUIRE_HOOK_FAILED`. It costs the round trips of its
   * statements and of the reset, for each lease. `@default` none
   *
   * @example
   * onAcquire: (client, { context }) => client.query("select set_config('app.tenant', $1, false)", [context])
   */
  readonly onAcquire?: OnAcquire<C>
  /** `@default` true */
  readonly leakDetection?: boolean | Partial<LeakDetectionOptions>
  /** `@default` true */
  readonly healthMonitoring?: boolean | HealthMonitoringOptions
  readonly failover?: FailoverOptions
  /**
   * Names servers while the manager lives, besides or instead of those in the options. `@default` those in the options
   * alone
   */
  readonly topology?: TopologySource
  /**
   * A limit on connections that this manager shares with others: `new ConnectionBudget({ maxConnections })`. `@default` none;
   * `poolSize` and `maxOverflow` limit each manager for itself
   */
  readonly budget?: Budget
  /**
   * How SQL appears in reports, events and logs (`lastQuery`, `query`): its text, with what shows that it is a secret
   * hidden; its fingerprint, which is its shape without literals and comments; or not at all. Under the latter two the
   * messages of errors in events lose what the server quotes in them. For teams whose SQL holds values. Parameters are
   * never shown. `@default` 'text'
   */
  readonly reportSql?: ReportSql
  /** Where to log; winston's loggers fit as they are. `false` logs nothing. `@default` warnings and errors to the console */
  readonly logger?: Logger | false
  /** For tests. `@default` the clock of the process */
  readonly clock?: Clock
}
