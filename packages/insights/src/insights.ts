import type { ConnectionManager, QueryObserver } from '@connmgr/core'
import { type Clock, type LeaseObserver, observeLeases, systemClock } from '@connmgr/core/driver'
import { Advice } from './advice.js'
import { Probe, type ProbeSource } from './blocking/probe.js'
import { BlockingWatch } from './blocking/watch.js'
import { Collector } from './collector/collector.js'
import { runAsRequest, watchHttpRequests } from './n-plus-one/requests.js'
import { type InsightsOptions, type ResolvedOptions, resolveOptions } from './options.js'
import { type PlanJumpSource, PlanJumps } from './plans/plan-jumps.js'
import { PlanWatch } from './plans/plan-watch.js'
import { poolFacts, type RecommendationFacts } from './recommendations/facts.js'
import type { Recommendation } from './recommendations/recommendation.js'
import { checkFormat, type ReportFormat, reportOf } from './report/report.js'
import type {
  BlockingEdge,
  HeldIdleStats,
  InsightsSnapshot,
  NPlusOneVerdict,
  PlanJumpVerdict,
  SlowQuery,
  StatementStats,
  TransactionStats,
} from './snapshot.js'

const TOP = 20

/** Who may be asked for plans. */
const PLANNED = 'postgresql'

/**
 * Watches the statements and leases of one manager: which line of code is slow, waits, holds a connection while it does
 * nothing, repeats itself or blocks others. Made by {@link insights}; costs nothing once it is closed.
 *
 * @example
 * const watched = insights(manager)
 * console.log(watched.report())
 */
export class Insights {
  /** The manager whose statements and leases it watches. */
  readonly manager: ConnectionManager<object>
  readonly #options: ResolvedOptions
  readonly #clock: Clock
  readonly #collector: Collector
  readonly #probe: Probe
  readonly #blocking: BlockingWatch
  readonly #plans: PlanWatch
  readonly #planJumps: PlanJumps
  readonly #advice = new Advice()
  readonly #endWatching: (() => void)[] = []
  #closing: Promise<void> | undefined

  /** @internal */
  constructor(
    manager: ConnectionManager<object>,
    options: ResolvedOptions,
    clock: Clock = systemClock,
  ) {
    this.manager = manager
    this.#options = options
    this.#clock = clock
    const observed = {
      observeQueries: (observer: QueryObserver) => manager.observeQueries(observer),
      observeLeases: (observer: LeaseObserver) => observeLeases(manager, observer),
    }
    this.#collector = new Collector(observed, options, clock)
    this.#probe = new Probe(manager as ProbeSource, () => this.#collector.database, clock)
    this.#blocking = new BlockingWatch(this.#collector, this.#probe, clock, options.blockingMs)
    this.#plans = new PlanWatch(this.#collector, this.#probe, clock)
    this.#planJumps = new PlanJumps(manager as PlanJumpSource, {
      fingerprintOf: (text) => this.#collector.fingerprintOf(text),
      stats: () => this.#collector.statements.stats(this.#collector.runMs),
    })
    this.#collector.onRunning = () => this.#onRunning()
    if (this.#collector.detector !== undefined) this.#endWatching.push(watchHttpRequests())
    this.#endWatching.push(manager.on('poolClosed', () => void this.close()))
  }

  /** The statements that take the most time, by fingerprint and call site. @param count `@default` 20 */
  top(count = TOP): StatementStats[] {
    return this.#collector.statements.stats(this.#collector.runMs).slice(0, count)
  }

  /** Transactions by where they began, longest in total first. */
  transactions(): TransactionStats[] {
    return this.#collector.leases.transactions.stats()
  }

  /**
   * Call sites that hold a connection for `heldIdleMs` or longer while no statement runs on it: by a call of another
   * service inside a transaction, for example. Longest in total first.
   */
  heldIdle(): HeldIdleStats[] {
    return this.#heldIdle().filter(({ exceeded, open }) => exceeded > 0 || open > 0)
  }

  /** Reads that one request, transaction or {@link scope} repeats in one place. The costliest first. */
  nPlusOne(): NPlusOneVerdict[] {
    return this.#collector.detector?.list() ?? []
  }

  /**
   * Statements that waited for a lock, and who held it. The longest wait first. PostgreSQL; MySQL and MariaDB for locks of
   * rows, of an account that has the privilege PROCESS.
   */
  blocking(): BlockingEdge[] {
    return this.#blocking.list()
  }

  /** Samples of statements that ran for `slowMs` or longer, slowest first. Without values. */
  slow(): SlowQuery[] {
    return this.#collector.slow.list()
  }

  /**
   * Prepared statements that the server runs slower by the plan that it keeps for all values than by plans for their values
   * (PostgreSQL). One that is not slower any more is not listed any more. The costliest first.
   */
  planJumps(): PlanJumpVerdict[] {
    return this.#planJumps.list()
  }

  /** Everything, as plain data. */
  snapshot(): InsightsSnapshot {
    const collector = this.#collector
    const { leases, statements } = collector
    const { heldIdleMs, maxFingerprints, nPlusOneThreshold, slowMs } = this.#options
    return {
      pool: this.manager.name,
      database: collector.database,
      at: this.#clock.wallTime(),
      durationMs: this.#clock.now() - collector.startedAt,
      options: { slowMs, heldIdleMs, nPlusOneThreshold, maxFingerprints },
      totals: {
        statements: collector.count,
        errors: collector.errors,
        rows: collector.rows,
        waitMs: collector.waitMs,
        runMs: collector.runMs,
        leases: leases.ended,
        heldMs: leases.heldMs,
        heldIdleMs: leases.heldIdleMs,
        transactions: leases.transactions.count,
        forgotten: statements.forgotten,
        fingerprints: statements.size,
      },
      statements: statements.stats(collector.runMs),
      transactions: this.transactions(),
      heldIdle: this.#heldIdle(),
      nPlusOne: this.nPlusOne(),
      blocking: this.blocking(),
      slow: this.slow(),
      plans: this.#plans.plans,
      planChanges: this.#plans.changes,
      planJumps: this.planJumps(),
    }
  }

  /**
   * What was seen, for people (`text`, `html`) or programs (`json`).
   *
   * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
   */
  report({ format = 'text' }: { readonly format?: ReportFormat } = {}): string {
    checkFormat(format)
    return reportOf(this.snapshot(), format)
  }

  /**
   * Runs `work` as a unit of its own, in which repeated reads are counted, such as a job of a queue. Requests of Node's
   * HTTP servers are units already.
   *
   * @example
   * worker.process((job) => watched.scope(() => handle(job)))
   */
  scope<T>(work: () => T): T {
    return runAsRequest(work)
  }

  /**
   * What to change, most severe first: each with its evidence, the fix and the line of code or statement that it is about.
   * After {@link refresh} it knows the server's settings and schema too.
   *
   * @param facts what insights cannot see, such as `instances` that share the server
   * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
   */
  recommendations(facts: RecommendationFacts = {}): Recommendation[] {
    return this.#advice.recommend(this.snapshot(), poolFacts(this.manager), facts)
  }

  /**
   * Asks the server, over a connection of its own, for what {@link recommendations} can use: its settings (PostgreSQL, MySQL
   * and MariaDB), its schema and, with `plans`, the plans of the statements that take the most time (PostgreSQL). By which plans it runs the statements of
   * {@link planJumps} it is asked over connections of the pool that are idle. Never rejects; a server that does not answer
   * adds nothing.
   */
  async refresh(): Promise<void> {
    await this.refreshPlans()
    await this.#planJumps.refresh()
    await this.#advice.refresh(this.#probe, this.snapshot())
  }

  /** Asks for the plans of the statements that take the most time now, rather than at the next minute. With `plans` only. */
  async refreshPlans(): Promise<void> {
    if (this.#options.plans && this.#collector.database === PLANNED) await this.#plans.look()
  }

  /** Forgets what was seen so far. */
  reset(): void {
    this.#collector.clear()
    this.#blocking.clear()
    this.#plans.clear()
  }

  /** Stops watching until {@link resume}: meanwhile it costs nothing. */
  pause(): void {
    this.#collector.pause()
  }

  /** Watches again. */
  resume(): void {
    if (this.#closing === undefined) this.#collector.resume()
  }

  /** Stops watching; what was seen can still be read. Called when the manager closes. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #heldIdle(): HeldIdleStats[] {
    const longLived = this.manager.getHolders().filter((each) => each.longLived === true)
    return this.#collector.leases.heldIdleStats(new Set(longLived.map(({ leaseId }) => leaseId)))
  }

  #onRunning(): void {
    if (Number.isFinite(this.#options.blockingMs)) this.#blocking.begin()
    if (this.#options.plans && this.#collector.database === PLANNED) this.#plans.begin()
  }

  async #close(): Promise<void> {
    this.#collector.pause()
    this.#blocking.close()
    this.#plans.close()
    for (const end of this.#endWatching.splice(0)) end()
    await this.#probe.close()
  }
}

/**
 * Starts to watch a manager.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * const watched = insights(manager, { slowMs: 100 })
 */
export function insights<C extends object>(
  manager: ConnectionManager<C>,
  options: InsightsOptions = {},
): Insights {
  return new Insights(manager as unknown as ConnectionManager<object>, resolveOptions(options))
}
