import type { ReadOptions } from '../catch-up/reads.js'
import type { FailoverKnobs } from '../cluster/options.js'
import { consoleLogger, type Logger, silentLogger } from '../events/log.js'
import type { LeakDetectionOptions } from '../leaks/leak-detector.js'
import type { HealthMonitoringOptions, ManagerOptions } from '../options.js'
import type { Budget } from '../pool/connection-budget.js'
import type { PoolOptions } from '../pool/options.js'
import type { ReportSql } from '../secrets/sql-reports.js'
import type { Clock } from '../time/clock.js'
import { systemClock } from '../time/clock.js'
import type { TopologySource } from '../topology/source.js'
import type { OnAcquire } from '../work/acquire-hook.js'
import { resolveFailover } from './resolve-failover.js'
import { resolveTopology } from './resolve-topology.js'
import {
  invalid,
  type NumberRules,
  requireFunction,
  resolveBoolean,
  resolveChoice,
  resolveNumbers,
  resolveSwitch,
} from './rules.js'
import { rejectForeignOptions, rejectUnknownOptions } from './unknown-options.js'

const POOL_NUMBERS = {
  poolSize: { fallback: 5, min: 0, max: 100_000, env: 'DB_POOL_SIZE' },
  maxOverflow: { fallback: 10, min: 0, max: 100_000, env: 'DB_MAX_OVERFLOW' },
  minIdle: { fallback: 0, min: 0, max: 100_000 },
  acquireTimeoutMs: { fallback: 30_000, min: 1 },
  startTimeoutMs: { fallback: 10_000, min: 0, zeroIsOff: true },
  connectTimeoutMs: { fallback: 5000, min: 1 },
  maxLifetimeMs: { fallback: 3_600_000, min: 0, zeroIsOff: true },
  lifetimeJitter: { fallback: 0.1, min: 0, max: 1, fraction: true },
  idleTimeoutMs: { fallback: 600_000, min: 0, zeroIsOff: true },
  maxUses: { fallback: 0, min: 0, zeroIsOff: true },
  prePingBypassMs: { fallback: 500, min: 0 },
  validateTimeoutMs: { fallback: 5000, min: 1 },
  maxWaiters: { fallback: 0, min: 0, zeroIsOff: true },
  resetTimeoutMs: { fallback: 5000, min: 1 },
  closeTimeoutMs: { fallback: 1000, min: 1 },
  connectConcurrency: { fallback: 4, min: 1, max: 1000 },
  rampMs: { fallback: 2000, min: 0 },
  queryTimeoutMs: { fallback: 0, min: 0, zeroIsOff: true },
} as const satisfies NumberRules

const READ_NUMBERS = {
  catchUpWaitMs: { fallback: 500, min: 0 },
  stickyReadsMs: { fallback: 0, min: 0 },
} as const satisfies NumberRules

const LEAK_NUMBERS = { thresholdMs: { fallback: 300_000, min: 1 } } as const satisfies NumberRules

const HEALTH_NUMBERS = {
  intervalMs: { fallback: 60_000, min: 10 },
  timeoutMs: { fallback: 5000, min: 1 },
  history: { fallback: 100, min: 1, max: 100_000 },
  unhealthyAfterMs: { fallback: 5000, min: 0 },
  healthyAfterMs: { fallback: 1000, min: 0 },
  restAfterMs: { fallback: 0, min: 0, zeroIsOff: true },
} as const satisfies NumberRules

const LEAK_OPTIONS = ['thresholdMs', 'captureStack', 'reclaim', 'detectNested']
const HEALTH_OPTIONS = Object.keys(HEALTH_NUMBERS)
const POOL_MODES = ['pooled', 'static'] as const
/** What `poolMode: 'static'` means: the one connection is never closed for its age, and none is beside it. */
const ONE_FOR_EVER = {
  poolSize: 1,
  maxOverflow: 0,
  maxLifetimeMs: 0,
  idleTimeoutMs: 0,
  maxUses: 0,
} as const

/** Every name in {@link ManagerOptions}, for packages that add options of their own. */
export const MANAGER_OPTION_NAMES: readonly (keyof ManagerOptions<object>)[] = [
  'name',
  ...(Object.keys(POOL_NUMBERS) as (keyof typeof POOL_NUMBERS)[]),
  ...(Object.keys(READ_NUMBERS) as (keyof typeof READ_NUMBERS)[]),
  'prePing',
  'allowExitOnIdle',
  'reset',
  'idleOrder',
  'poolMode',
  'onConnect',
  'onAcquire',
  'leakDetection',
  'healthMonitoring',
  'failover',
  'topology',
  'budget',
  'reportSql',
  'logger',
  'clock',
]

/** Manager options with nothing left open. */
export interface ResolvedOptions<C extends object> {
  readonly name: string
  readonly pool: PoolOptions<C>
  readonly reads: ReadOptions
  readonly onAcquire: OnAcquire<C> | undefined
  readonly queryTimeoutMs: number
  readonly startTimeoutMs: number
  readonly leaks: LeakDetectionOptions | undefined
  readonly healthMonitoring: boolean
  readonly health: Required<HealthMonitoringOptions>
  readonly failover: FailoverKnobs
  readonly failoverMode: 'role' | 'ordered' | undefined
  readonly topology: TopologySource | undefined
  readonly budget: Budget | undefined
  readonly reportSql: ReportSql
  readonly logger: Logger
  readonly clock: Clock
}

/**
 * Checks options and fills in the environment and the defaults.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function resolveManagerOptions<C extends object>(
  options: ManagerOptions<C>,
  fallbackName: string,
  env: NodeJS.ProcessEnv = process.env,
): ResolvedOptions<C> {
  if (typeof options !== 'object' || options === null)
    throw invalid('options', options, 'an object')
  const what = 'the connection manager options'
  rejectForeignOptions(options, MANAGER_OPTION_NAMES, what)
  rejectUnknownOptions(options, MANAGER_OPTION_NAMES, what)
  requireFunction('onConnect', options.onConnect)
  requireFunction('onAcquire', options.onAcquire)
  const poolMode = resolveChoice('poolMode', options.poolMode, POOL_MODES, 'pooled')
  const exclusive = poolMode === 'static'
  if (exclusive) rejectMoreThanOne(options)
  const numbers = resolveNumbers(
    '',
    exclusive ? { ...options, ...ONE_FOR_EVER } : options,
    POOL_NUMBERS,
    env,
  )
  if (numbers.poolSize + numbers.maxOverflow === 0) {
    throw invalid('poolSize', 0, 'at least 1 if maxOverflow is 0')
  }
  if (numbers.minIdle > numbers.poolSize) {
    throw invalid('minIdle', numbers.minIdle, `at most poolSize (${numbers.poolSize})`)
  }
  const reset =
    typeof options.reset === 'function'
      ? options.reset
      : resolveChoice(
          'reset',
          options.reset,
          ['auto', 'none', 'reset-all', 'discard-all'] as const,
          'auto',
        )
  if (options.onAcquire !== undefined && reset === 'none')
    throw invalid(
      'reset',
      reset,
      "left out with onAcquire, or 'reset-all': what onAcquire sets must not reach the next borrower",
    )
  const leaks = resolveSwitch('leakDetection', options.leakDetection, LEAK_OPTIONS)
  const health = resolveSwitch('healthMonitoring', options.healthMonitoring, HEALTH_OPTIONS)
  const failover = resolveFailover(options.failover, env)
  return {
    name: resolveName(options.name, fallbackName),
    pool: {
      ...numbers,
      exclusive,
      prePing: resolveBoolean('prePing', options.prePing, true),
      allowExitOnIdle: resolveBoolean('allowExitOnIdle', options.allowExitOnIdle, false),
      reset,
      idleOrder: resolveChoice('idleOrder', options.idleOrder, ['lifo', 'fifo'] as const, 'lifo'),
      onConnect: options.onConnect,
    },
    reads: resolveNumbers('', options, READ_NUMBERS, env),
    onAcquire: options.onAcquire,
    queryTimeoutMs: numbers.queryTimeoutMs,
    startTimeoutMs: numbers.startTimeoutMs,
    leaks: leaks.enabled ? resolveLeaks(leaks.settings, env) : undefined,
    healthMonitoring: health.enabled,
    health: resolveNumbers(
      'healthMonitoring.',
      { timeoutMs: Math.max(5000, numbers.connectTimeoutMs), ...health.settings },
      HEALTH_NUMBERS,
      env,
    ),
    ...failover,
    topology: resolveTopology(options.topology),
    budget: resolveBudget(options.budget),
    reportSql: resolveChoice(
      'reportSql',
      options.reportSql,
      ['text', 'fingerprint', 'none'] as const,
      'text',
    ),
    logger: resolveLogger(options.logger),
    clock: options.clock ?? systemClock,
  }
}

function rejectMoreThanOne(options: object): void {
  for (const [name, only] of Object.entries(ONE_FOR_EVER)) {
    const given = (options as Record<string, unknown>)[name]
    if (given === undefined || given === only) continue
    throw invalid(
      name,
      given,
      `${only} or left out with poolMode 'static', which keeps one connection for one caller at a time`,
    )
  }
}

function resolveName(given: unknown, fallback: string): string {
  if (given === undefined) return fallback
  if (typeof given !== 'string' || given.trim() === '')
    throw invalid('name', given, 'a string that is not empty')
  return given
}

function resolveLeaks(
  settings: Partial<LeakDetectionOptions>,
  env: NodeJS.ProcessEnv,
): LeakDetectionOptions {
  return {
    ...resolveNumbers('leakDetection.', settings, LEAK_NUMBERS, env),
    captureStack: resolveChoice(
      'leakDetection.captureStack',
      settings.captureStack,
      ['adaptive', 'always', 'never'] as const,
      'adaptive',
    ),
    reclaim: resolveBoolean('leakDetection.reclaim', settings.reclaim, false),
    detectNested: resolveBoolean('leakDetection.detectNested', settings.detectNested, false),
  }
}

function resolveBudget(given: unknown): Budget | undefined {
  if (given === undefined) return undefined
  // Another copy of this package may have made it.
  const { join, maxConnections } = (given ?? {}) as Partial<Budget>
  if (typeof join === 'function' && typeof maxConnections === 'number') return given as Budget
  throw invalid('budget', given, 'a new ConnectionBudget({ maxConnections })')
}

function resolveLogger(given: unknown): Logger {
  if (given === undefined) return consoleLogger
  if (given === false) return silentLogger
  const logger = given as Partial<Logger> | null
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    if (typeof logger?.[level] !== 'function') {
      throw invalid(
        'logger',
        given,
        'false, or an object with the methods debug, info, warn and error',
      )
    }
  }
  return given as Logger
}
