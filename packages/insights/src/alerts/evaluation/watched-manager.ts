import { type Clock, redactText } from '@connmgr/core'
import { messageOf } from '@connmgr/core/driver'
import type { InsightsSnapshot } from '../../snapshot.js'
import type { Alert, Diagnosis } from '../alert.js'
import { annotationsOf } from '../annotations.js'
import { diagnose } from '../diagnosis.js'
import type { AlertProblem } from '../problem.js'
import type { AlertRule, InsightsSource, WatchedManager } from '../rule.js'
import { ObservedTime } from '../state/observed-time.js'
import { type AlertInstance, type ResolvedRule, RuleWatch } from '../state/rule-watch.js'
import { ManagerView } from './manager-view.js'
import { findingsIn } from './outcome.js'
import { Samples } from './samples.js'

/** A rule with nothing left out. */
export type WholeRule = ResolvedRule & Pick<AlertRule, 'when'>

/** What does not change for all that is watched. */
export interface WatchContext {
  readonly rules: readonly WholeRule[]
  readonly clock: Clock
  /** The longest time between two evaluations that counts as watched. */
  readonly longestStepMs: number
  readonly insightsOf: (manager: WatchedManager) => InsightsSource | undefined
  readonly report: (problem: AlertProblem) => void
}

/** Applies all rules to one manager, and remembers which alerts have come of it. */
export class ManagerWatch {
  readonly manager: WatchedManager
  /** Tells managers of one name apart: 1 for the first. */
  readonly number: number
  readonly #context: WatchContext
  readonly #watches: readonly RuleWatch[]
  readonly #time: ObservedTime
  readonly #samples = new Samples()
  /** When alerts began to fire, on the clock of the wall. */
  readonly #startedAt = new Map<string, Date>()
  readonly #failing = new Set<string>()
  #nowMs = 0

  constructor(
    manager: WatchedManager,
    number: number,
    labels: Readonly<Record<string, string>>,
    context: WatchContext,
  ) {
    this.manager = manager
    this.number = number
    this.#context = context
    const all = { pool: manager.name, ...(number > 1 && { manager: String(number) }), ...labels }
    this.#watches = context.rules.map((rule) => new RuleWatch(rule, all))
    this.#time = new ObservedTime(context.longestStepMs)
  }

  get instances(): { readonly watch: RuleWatch; readonly instance: AlertInstance }[] {
    return this.#watches.flatMap((watch) =>
      watch.instances.map((instance) => ({ watch, instance })),
    )
  }

  /** How long a pending or firing alert has held, in time that was watched. */
  heldForMs({ state }: AlertInstance): number {
    return state.phase === 'inactive' ? 0 : this.#nowMs - state.sinceMs
  }

  /** Returns the alerts that have begun to fire, or were resolved. */
  evaluate(): Alert[] {
    this.#nowMs = this.#time.advanceTo(this.#context.clock.now())
    const { manager } = this
    const view = this.#attempt(
      'connmgr',
      () => new ManagerView(manager, this.#samples, this.#insights(), this.#nowMs),
    )
    if (view === undefined) return []
    const changed = this.#watches.flatMap((watch) => {
      const { name } = watch.rule
      const findings = this.#attempt(name, () => {
        const { when } = this.#context.rules[this.#watches.indexOf(watch)] as WholeRule
        return findingsIn(when(view), name)
      })
      // While it is not known whether it holds, everything stays as it is.
      if (findings === undefined) return []
      return watch.observe(findings, this.#nowMs).map((instance) => ({ watch, instance }))
    })
    return this.#alertsOf(changed, view.insights)
  }

  /** Resolves everything, as the manager is closed, or no longer watched. */
  end(): Alert[] {
    const changed = this.#watches.flatMap((watch) =>
      watch.observe([], this.#nowMs, true).map((instance) => ({ watch, instance })),
    )
    return this.#alertsOf(changed, undefined)
  }

  /** An alert that fires, as it is now. */
  refresh(key: string): Alert | undefined {
    const found = this.instances.filter(
      ({ instance }) => instance.key === key && instance.state.phase === 'firing',
    )
    return this.#alertsOf(found, this.#insights())[0]
  }

  #alertsOf(
    instances: readonly { readonly watch: RuleWatch; readonly instance: AlertInstance }[],
    insights: InsightsSnapshot | undefined,
  ): Alert[] {
    if (instances.length === 0) return []
    const diagnosis = diagnose(this.manager, insights)
    return instances.map(({ watch, instance }) => this.#alert(watch.rule, instance, diagnosis))
  }

  #alert(rule: ResolvedRule, instance: AlertInstance, diagnosis: Diagnosis): Alert {
    const { finding, key, labels, state } = instance
    const now = new Date(this.#context.clock.wallTime())
    const resolved = state.phase === 'resolved'
    const startsAt = this.#startedAt.get(key) ?? now
    if (resolved) this.#startedAt.delete(key)
    else this.#startedAt.set(key, startsAt)
    return {
      key,
      status: resolved ? 'resolved' : 'firing',
      rule: rule.name,
      severity: rule.severity,
      labels,
      annotations: {
        ...rule.annotations,
        ...annotationsOf(diagnosis),
        ...finding.annotations,
        summary: redactText(finding.summary),
      },
      value: finding.value,
      startsAt,
      endsAt: resolved ? now : undefined,
      diagnosis,
    }
  }

  #insights(): InsightsSnapshot | undefined {
    try {
      return this.#context.insightsOf(this.manager)?.snapshot()
    } catch (error) {
      this.#tellOnce('insights', 'insights-failed', `insights gave no snapshot: ${shown(error)}`)
      return undefined
    }
  }

  /** Undefined if it threw, which is reported once. */
  #attempt<T>(name: string, read: () => T): T | undefined {
    try {
      const result = read()
      if (this.#failing.delete(name))
        this.#context.report({
          kind: 'rule-recovered',
          name,
          message: `alerts: the rule "${name}" works again on "${this.manager.name}"`,
        })
      return result
    } catch (error) {
      this.#tellOnce(
        name,
        'rule-failed',
        `the rule "${name}" failed on "${this.manager.name}", so its alerts stay as they are: ${shown(error)}`,
      )
      return undefined
    }
  }

  #tellOnce(name: string, kind: AlertProblem['kind'], message: string): void {
    if (this.#failing.has(name)) return
    this.#failing.add(name)
    this.#context.report({ kind, name, message: `alerts: ${message}` })
  }
}

function shown(error: unknown): string {
  return redactText(messageOf(error))
}
