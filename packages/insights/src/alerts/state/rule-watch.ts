import type { AlertSeverity } from '../alert.js'
import type { Finding } from '../rule.js'
import { type AlertState, type AlertTimes, INACTIVE, nextState } from './alert-state.js'
import { labelFingerprint, labelName } from './label-fingerprint.js'

/** A rule with nothing left out. */
export interface ResolvedRule extends AlertTimes {
  readonly name: string
  readonly severity: AlertSeverity
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

/** One alert of a rule, by its labels. */
export interface AlertInstance {
  readonly key: string
  readonly labels: Readonly<Record<string, string>>
  readonly finding: Finding
  readonly state: AlertState
}

/** Findings of one rule on one manager that are kept apart. More are left out: receivers take no storm of alerts well. */
export const MOST_FINDINGS = 50

/** Follows one rule on one manager: its findings, and the alert that each has become. */
export class RuleWatch {
  readonly rule: ResolvedRule
  readonly #labels: Readonly<Record<string, string>>
  #instances = new Map<string, AlertInstance>()

  /** @param labels of all its alerts */
  constructor(rule: ResolvedRule, labels: Readonly<Record<string, string>>) {
    this.rule = rule
    this.#labels = { ...labels, ...rule.labels, alertname: rule.name, severity: rule.severity }
  }

  /** Alerts that are pending or firing. */
  get instances(): AlertInstance[] {
    return [...this.#instances.values()]
  }

  /**
   * Takes the findings of one evaluation. Returns the alerts that have begun to fire, or are resolved, by it.
   *
   * @param atOnce resolves without waiting for `keepFiringForMs`, as what the rule watched is gone
   */
  observe(findings: readonly Finding[], nowMs: number, atOnce = false): AlertInstance[] {
    const found = this.#identify(findings)
    const times = atOnce ? { ...this.rule, keepFiringForMs: 0 } : this.rule
    const next = new Map<string, AlertInstance>()
    const changed: AlertInstance[] = []
    for (const key of new Set([...this.#instances.keys(), ...found.keys()])) {
      const before = this.#instances.get(key)
      const now = found.get(key)
      const known = now ?? (before as AlertInstance)
      const state = nextState(before?.state ?? INACTIVE, now !== undefined, nowMs, times)
      const after = { ...known, key, state }
      if (state.phase === 'pending' || state.phase === 'firing') next.set(key, after)
      const wasFiring = before?.state.phase === 'firing'
      if ((state.phase === 'firing') !== wasFiring) changed.push(after)
    }
    this.#instances = next
    return changed
  }

  #identify(findings: readonly Finding[]): Map<string, Pick<AlertInstance, 'labels' | 'finding'>> {
    const found = new Map<string, Pick<AlertInstance, 'labels' | 'finding'>>()
    for (const finding of findings.slice(0, MOST_FINDINGS)) {
      const labels: Record<string, string> = {}
      // To Prometheus an empty label is one that is not there.
      for (const [name, value] of Object.entries({ ...finding.labels, ...this.#labels }))
        if (String(value) !== '') labels[labelName(name)] = String(value)
      const key = labelFingerprint(labels)
      if (!found.has(key)) found.set(key, { labels, finding })
    }
    return found
  }
}
