import { hostname } from 'node:os'
import { type Clock, connectionManagers, InvalidOptionError } from '@connmgr/core'
import {
  CALL_RULES,
  checkCall,
  invalidOption,
  rejectUnknownOptions,
  systemClock,
} from '@connmgr/core/driver'
import type { AlertSeverity, AlertSink } from './alert.js'
import type { ResolvedSink } from './delivery/dispatcher.js'
import type { WholeRule } from './evaluation/watched-manager.js'
import type { AlertProblem } from './problem.js'
import type { AlertRule, InsightsSource, RuleContext, RuleOutcome, WatchedManager } from './rule.js'
import { rules as readyRules } from './rules.js'
import { labelName } from './state/label-fingerprint.js'

/** A rule that is no more than its condition. Its name is that of the function. */
export type RuleFunction = (context: RuleContext) => RuleOutcome

/** What {@link alerts} can be told. All times are in milliseconds. */
export interface AlertsOptions {
  /** When to alert. `@default` `rules.all()`, the ready ones */
  readonly rules?: readonly (AlertRule | RuleFunction)[]
  /** Where alerts go. A function is called with the alerts. */
  readonly sinks: readonly (AlertSink | AlertSink['deliver'])[]
  /** What is watched: managers, or a function that returns those of the moment. `@default` all managers of the process */
  readonly managers?: WatchedManager | readonly WatchedManager[] | (() => readonly WatchedManager[])
  /** What `insights(manager)` returned, for rules about statements and for the diagnosis. `@default` none */
  readonly insights?: InsightsSource | readonly InsightsSource[]
  /** Pause between two evaluations of the rules. `@default` 5000 */
  readonly intervalMs?: number
  /**
   * Added to the labels of every alert. `instance` tells processes apart, so that one does not resolve the alert of
   * another: name it if several run on one host. `@default` `{ instance: hostname() }`
   */
  readonly labels?: Readonly<Record<string, string>>
  /** Hears what goes wrong with rules and deliveries. `@default` a warning of the process (`process.emitWarning`) */
  readonly onProblem?: (problem: AlertProblem) => void
  /** For tests. `@default` the clock of the process */
  readonly clock?: Clock
}

/** The options with nothing left out. */
export interface ResolvedAlerts {
  readonly rules: readonly WholeRule[]
  readonly sinks: readonly ResolvedSink[]
  readonly managers: () => readonly WatchedManager[]
  readonly insights: readonly InsightsSource[]
  readonly intervalMs: number
  readonly labels: Readonly<Record<string, string>>
  readonly onProblem: (problem: AlertProblem) => void
  readonly clock: Clock
}

const ANYTHING = { accepts: () => true, expected: 'anything' }
const OPTIONS = {
  rules: { accepts: Array.isArray, expected: 'an array of rules' },
  // Checked apart: what is no array may be the address of a webhook.
  sinks: ANYTHING,
  managers: ANYTHING,
  insights: ANYTHING,
  intervalMs: {
    accepts: (value: unknown) => CALL_RULES.milliseconds.accepts(value) && (value as number) >= 10,
    expected: 'a number of milliseconds, at least 10',
  },
  labels: ANYTHING,
  onProblem: CALL_RULES.function,
  clock: ANYTHING,
}

const RULE_NAMES = ['name', 'when', 'severity', 'forMs', 'keepFiringForMs', 'labels', 'annotations']
const SINK_NAMES = [
  'name',
  'deliver',
  'timeoutMs',
  'resendMs',
  'resendResolvedForMs',
  'maxBatch',
  'only',
  'sendResolved',
]
const SEVERITIES: readonly AlertSeverity[] = ['info', 'warning', 'critical']
const DEFAULT_INTERVAL_MS = 5000
const DEFAULT_TIMEOUT_MS = 10_000
const DEFAULT_BATCH = 64

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
export function resolveAlerts(options: AlertsOptions): ResolvedAlerts {
  checkCall('alerts', options, OPTIONS)
  if (!Array.isArray(options.sinks ?? []) || (options.sinks ?? []).length === 0)
    throw new InvalidOptionError(
      'sinks',
      `option "sinks" must be an array of at least one sink, such as sinks.alertmanager(url) or a function, but it is ${
        Array.isArray(options.sinks) ? 'empty' : `of type ${typeof options.sinks}`
      }`,
    )
  const intervalMs = options.intervalMs ?? DEFAULT_INTERVAL_MS
  const rules = (options.rules ?? readyRules.all()).map(resolveRule)
  for (const [index, { name }] of rules.entries())
    if (rules.findIndex((each) => each.name === name) !== index)
      throw new InvalidOptionError(
        `rules[${index}]`,
        `option "rules[${index}]" has the name "${name}", as another rule does; give it another \`name\``,
      )
  return {
    rules,
    sinks: options.sinks.map((sink, index) => resolveSink(sink, index, intervalMs)),
    managers: managersIn(options.managers),
    insights: insightsIn(options.insights),
    intervalMs,
    labels: { instance: hostname(), ...labelsIn('labels', options.labels) },
    onProblem: options.onProblem ?? warn,
    clock: options.clock ?? systemClock,
  }
}

function resolveRule(given: AlertRule | RuleFunction, index: number): WholeRule {
  const option = `rules[${index}]`
  const rule = typeof given === 'function' ? { name: given.name, when: given } : given
  if (typeof rule !== 'object' || rule === null)
    throw invalidOption(option, given, 'a rule, such as rules.leaks(), or a function')
  rejectUnknownOptions(rule, RULE_NAMES, option)
  const { severity = 'warning', when } = rule
  if (typeof when !== 'function') throw invalidOption(`${option}.when`, when, 'a function')
  if (!SEVERITIES.includes(severity))
    throw invalidOption(`${option}.severity`, severity, `one of ${SEVERITIES.join(', ')}`)
  if (rule.name !== undefined && typeof rule.name !== 'string')
    throw invalidOption(`${option}.name`, rule.name, 'a string')
  return {
    // Functions that are written into the array have no name.
    name: rule.name || `Rule${index + 1}`,
    when: when.bind(rule),
    severity,
    forMs: milliseconds(`${option}.forMs`, rule.forMs, 0),
    keepFiringForMs: milliseconds(`${option}.keepFiringForMs`, rule.keepFiringForMs, 0),
    labels: labelsIn(`${option}.labels`, rule.labels),
    annotations: textsIn(`${option}.annotations`, rule.annotations),
  }
}

function resolveSink(
  given: AlertSink | AlertSink['deliver'],
  index: number,
  intervalMs: number,
): ResolvedSink {
  const option = `sinks[${index}]`
  const sink: AlertSink =
    typeof given === 'function'
      ? { name: given.name || `sink ${index + 1}`, deliver: given }
      : given
  if (typeof sink !== 'object' || sink === null || typeof sink.deliver !== 'function')
    // Not the value: it may be the address of a webhook.
    throw new InvalidOptionError(
      option,
      `option "${option}" must be a sink, such as sinks.slack(url), or a function, but it is ${sink === null ? 'null' : `of type ${typeof sink}`}`,
    )
  rejectUnknownOptions(sink, SINK_NAMES, option)
  const resendMs = milliseconds(`${option}.resendMs`, sink.resendMs, 0)
  const { maxBatch = DEFAULT_BATCH, name = `sink ${index + 1}`, only = () => true } = sink
  if (!Number.isInteger(maxBatch) || maxBatch < 1)
    throw invalidOption(`${option}.maxBatch`, maxBatch, 'a whole number above 0')
  if (typeof only !== 'function') throw invalidOption(`${option}.only`, only, 'a function')
  return {
    name,
    deliver: sink.deliver.bind(sink),
    timeoutMs: milliseconds(`${option}.timeoutMs`, sink.timeoutMs, DEFAULT_TIMEOUT_MS),
    // What is due is looked at when rules are evaluated.
    resendMs: resendMs === 0 ? 0 : Math.max(resendMs, intervalMs),
    resendResolvedForMs: milliseconds(`${option}.resendResolvedForMs`, sink.resendResolvedForMs, 0),
    maxBatch,
    only,
    sendResolved: sink.sendResolved ?? true,
  }
}

function milliseconds(option: string, given: unknown, fallback: number): number {
  if (given === undefined) return fallback
  const { accepts, expected } = CALL_RULES.milliseconds
  if (!accepts(given)) throw invalidOption(option, given, expected)
  return given as number
}

function labelsIn(option: string, given: unknown): Readonly<Record<string, string>> {
  const labels = textsIn(option, given)
  for (const name of Object.keys(labels))
    if (labelName(name) !== name || name === '')
      throw invalidOption(
        option,
        name,
        'labels whose names have letters, digits and underscores alone, and begin with no digit',
      )
  return labels
}

function textsIn(option: string, given: unknown): Readonly<Record<string, string>> {
  if (given === undefined) return {}
  const fits =
    typeof given === 'object' &&
    given !== null &&
    Object.values(given).every((each) => typeof each === 'string')
  if (!fits) throw invalidOption(option, given, 'an object of strings')
  return { ...(given as Record<string, string>) }
}

function managersIn(given: AlertsOptions['managers']): ResolvedAlerts['managers'] {
  if (given === undefined) return () => connectionManagers().map(({ manager }) => manager)
  if (typeof given === 'function') return given
  const managers = listOf<WatchedManager>(given)
  for (const each of managers)
    if (typeof each?.getPoolMetrics !== 'function')
      throw invalidOption('managers', each, 'connection managers')
  return () => managers
}

function insightsIn(given: AlertsOptions['insights']): readonly InsightsSource[] {
  if (given === undefined) return []
  const sources = listOf<InsightsSource>(given)
  for (const each of sources)
    if (typeof each?.snapshot !== 'function')
      throw invalidOption('insights', each, 'what insights(manager) returned')
  return sources
}

function listOf<T>(given: T | readonly T[]): readonly T[] {
  return Array.isArray(given) ? [...given] : [given as T]
}

function warn({ kind, message }: AlertProblem): void {
  if (!kind.endsWith('-recovered'))
    process.emitWarning(message, {
      type: 'ConnmgrAlertsWarning',
      code: `CONNMGR_ALERTS_${kind.toUpperCase().replaceAll('-', '_')}`,
    })
}
