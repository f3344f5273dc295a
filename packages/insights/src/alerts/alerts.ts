import { CALL_RULES, checkCall, outside, type TimerHandle } from '@connmgr/core/driver'
import type { Alert, AlertSeverity } from './alert.js'
import { Dispatcher, type SinkStatus } from './delivery/dispatcher.js'
import { ManagerWatch, type WatchContext } from './evaluation/watched-manager.js'
import { type AlertsOptions, type ResolvedAlerts, resolveAlerts } from './options.js'
import type { AlertProblem } from './problem.js'
import type { InsightsSource, WatchedManager } from './rule.js'

/** An alert that is pending or firing. */
export interface ListedAlert {
  readonly key: string
  readonly rule: string
  readonly severity: AlertSeverity
  readonly phase: 'pending' | 'firing'
  readonly labels: Readonly<Record<string, string>>
  readonly summary: string
  /** How long its condition has held. */
  readonly heldForMs: number
}

/** What is alerted of, and how deliveries go. Plain data. */
export interface AlertsStatus {
  /** Those that fire first. */
  readonly alerts: readonly ListedAlert[]
  readonly sinks: readonly SinkStatus[]
  /** Evaluations of the rules since the start. */
  readonly evaluations: number
}

/** The gap between two evaluations that still counts as time in which a condition has held, in intervals. */
const LATE_INTERVALS = 2
const DEFAULT_DRAIN_TIMEOUT_MS = 5000
const CLOSE = {
  drainTimeoutMs: CALL_RULES.milliseconds,
  resolve: { accepts: (value: unknown) => typeof value === 'boolean', expected: 'true or false' },
}

/** Watches managers and alerts of what its rules find. Made by {@link alerts}. */
export class Alerts {
  readonly #options: ResolvedAlerts
  readonly #watchContext: WatchContext
  readonly #dispatchers: readonly Dispatcher[]
  readonly #watches = new Map<WatchedManager, ManagerWatch>()
  /** Read once: a snapshot is not for nothing. */
  readonly #poolsOfInsights = new Map<InsightsSource, string>()
  #timer: TimerHandle | undefined
  #evaluations = 0
  #evaluating = false
  #closing: Promise<void> | undefined

  /** @internal use {@link alerts} */
  constructor(options: ResolvedAlerts) {
    this.#options = options
    const { clock, insights, intervalMs, rules, sinks } = options
    this.#watchContext = {
      rules,
      clock,
      longestStepMs: LATE_INTERVALS * intervalMs,
      insightsOf: (manager) => this.#insightsOf(manager, insights),
      report: (problem) => this.#report(problem),
    }
    this.#dispatchers = sinks.map(
      (sink) => new Dispatcher(sink, clock, (problem) => this.#report(problem)),
    )
    this.#evaluateLater()
  }

  /** What is pending and firing now, and how deliveries go. */
  status(): AlertsStatus {
    const alerts = [...this.#watches.values()].flatMap((manager) =>
      manager.instances.map(({ instance, watch }): ListedAlert => {
        const { finding, key, labels, state } = instance
        return {
          key,
          rule: watch.rule.name,
          severity: watch.rule.severity,
          phase: state.phase === 'firing' ? 'firing' : 'pending',
          labels,
          summary: finding.summary,
          heldForMs: manager.heldForMs(instance),
        }
      }),
    )
    return {
      alerts: alerts.sort((a, b) => Number(b.phase === 'firing') - Number(a.phase === 'firing')),
      sinks: this.#dispatchers.map(({ status }) => status),
      evaluations: this.#evaluations,
    }
  }

  /** Evaluates the rules now, rather than at the end of the interval. Never throws. */
  evaluate(): void {
    if (this.#closing !== undefined || this.#evaluating) return
    this.#evaluating = true
    try {
      outside(() => this.#evaluateAll())
    } finally {
      this.#evaluating = false
    }
  }

  /**
   * Stops watching. Alerts that fire are resolved, as this process no longer has what they are about, and what is left is
   * delivered until the deadline. A second call returns the same promise. Rejects only if its options are wrong, and then
   * changes nothing.
   *
   * @param options.drainTimeoutMs the deadline; `@default` 5000
   * @param options.resolve false leaves alerts firing, for a process that is started again at once; `@default` true
   */
  close(options: { drainTimeoutMs?: number; resolve?: boolean } = {}): Promise<void> {
    try {
      checkCall('close', options, CLOSE)
    } catch (error) {
      return Promise.reject(error)
    }
    const { drainTimeoutMs = DEFAULT_DRAIN_TIMEOUT_MS, resolve = true } = options
    this.#closing ??= this.#close(drainTimeoutMs, resolve)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(drainTimeoutMs: number, resolve: boolean): Promise<void> {
    const { clock } = this.#options
    clock.clearTimeout(this.#timer)
    if (resolve) for (const watch of this.#watches.values()) this.#post(watch.end())
    let timer: TimerHandle | undefined
    const deadline = new Promise<void>((done) => {
      // Keeps the process running for so long: the timers and connections of deliveries do not.
      timer = clock.setTimeout(done, drainTimeoutMs, true)
    })
    await Promise.race([Promise.all(this.#dispatchers.map((each) => each.drained())), deadline])
    clock.clearTimeout(timer)
    for (const each of this.#dispatchers) each.close()
  }

  #evaluateLater(): void {
    const { clock, intervalMs } = this.#options
    this.#timer = clock.setTimeout(() => {
      this.evaluate()
      if (this.#closing === undefined) this.#evaluateLater()
    }, intervalMs)
  }

  #evaluateAll(): void {
    this.#evaluations += 1
    const open = new Set(this.#managers().filter(({ closed }) => !closed))
    for (const manager of open)
      if (!this.#watches.has(manager))
        this.#watches.set(
          manager,
          new ManagerWatch(
            manager,
            this.#numberOf(manager),
            this.#options.labels,
            this.#watchContext,
          ),
        )
    const changed: Alert[] = []
    for (const [manager, watch] of this.#watches) {
      if (open.has(manager)) changed.push(...watch.evaluate())
      else {
        changed.push(...watch.end())
        this.#watches.delete(manager)
      }
    }
    this.#post(changed)
    for (const each of this.#dispatchers) each.resend((key) => this.#refresh(key))
  }

  #managers(): readonly WatchedManager[] {
    const { managers } = this.#options
    try {
      return managers()
    } catch (error) {
      this.#report({
        kind: 'rule-failed',
        name: 'managers',
        message: `alerts: the function "managers" failed: ${String(error)}`,
      })
      return [...this.#watches.keys()]
    }
  }

  /** Managers of one name get numbers, so that their alerts stay apart. */
  #numberOf({ name }: WatchedManager): number {
    const taken = new Set(
      [...this.#watches].filter(([each]) => each.name === name).map(([, watch]) => watch.number),
    )
    let number = 1
    while (taken.has(number)) number += 1
    return number
  }

  /** Those of a manager that has its name for itself can be told by that name, as snapshots have it. */
  #insightsOf(
    manager: WatchedManager,
    insights: readonly InsightsSource[],
  ): InsightsSource | undefined {
    const own = insights.find((each) => each.manager === manager)
    const same = [...this.#watches.keys()].filter(({ name }) => name === manager.name)
    if (own !== undefined || same.length > 1) return own
    return insights.find((each) => {
      if (each.manager !== undefined) return false
      const pool = this.#poolsOfInsights.get(each) ?? each.snapshot().pool
      this.#poolsOfInsights.set(each, pool)
      return pool === manager.name
    })
  }

  #refresh(key: string): Alert | undefined {
    for (const watch of this.#watches.values()) {
      const alert = watch.refresh(key)
      if (alert !== undefined) return alert
    }
    return undefined
  }

  #post(alerts: readonly Alert[]): void {
    if (alerts.length > 0) for (const each of this.#dispatchers) each.post(alerts)
  }

  #report(problem: AlertProblem): void {
    try {
      this.#options.onProblem(problem)
    } catch {
      // The listener to problems has a problem itself, and there is no one else to tell.
    }
  }
}

/**
 * Watches connection managers by rules, and tells sinks of what they find, with who holds connections, which code holds
 * them idle and what the latest failover was. It looks at snapshots from time to time: no pool waits for it, and it keeps no
 * process running.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * const watch = alerts({
 *   rules: [rules.poolExhausted(), rules.noWriter({ forMs: 5000 })],
 *   sinks: [sinks.alertmanager('http://alertmanager:9093')],
 * })
 * process.once('SIGTERM', () => watch.close())
 */
export function alerts(options: AlertsOptions): Alerts {
  return new Alerts(resolveAlerts(options))
}
