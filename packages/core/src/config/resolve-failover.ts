import { FAILOVER_DEFAULTS, type FailoverKnobs } from '../cluster/options.js'
import {
  invalid,
  type NumberRules,
  resolveBoolean,
  resolveChoice,
  resolveNumbers,
} from './rules.js'
import { rejectUnknownOptions } from './unknown-options.js'

/** Failover numbers of which 0 makes no sense. */
const AT_LEAST_ONE: ReadonlySet<string> = new Set([
  'probeIntervalMs',
  'fastProbeIntervalMs',
  'probeTimeoutMs',
  'probeConnectTimeoutMs',
  'suspectCount',
  'failoverTimeoutMs',
  'retryAttempts',
  'failbackSuccesses',
])

const FAILOVER_NUMBERS: NumberRules = Object.fromEntries(
  Object.entries(FAILOVER_DEFAULTS)
    .filter(([, value]) => typeof value === 'number')
    .map(([name, value]) => [
      name,
      {
        fallback: value as number,
        min: AT_LEAST_ONE.has(name) ? 1 : 0,
        zeroIsOff: name === 'loginProbeMs',
      },
    ]),
)

const FAILOVER_OPTIONS = ['mode', 'cluster', ...Object.keys(FAILOVER_DEFAULTS)]

export function resolveFailover(
  given: unknown,
  env: NodeJS.ProcessEnv,
): { failover: FailoverKnobs; failoverMode: 'role' | 'ordered' | undefined } {
  const settings = given === undefined ? {} : given
  if (typeof settings !== 'object' || settings === null)
    throw invalid('failover', given, 'an object')
  rejectUnknownOptions(settings, FAILOVER_OPTIONS, 'failover')
  const { mode, autoFailback, splitBrain, cluster } = settings as {
    mode?: unknown
    cluster?: unknown
    autoFailback?: unknown
    splitBrain?: unknown
  }
  return {
    failover: {
      ...(resolveNumbers('failover.', settings, FAILOVER_NUMBERS, env) as unknown as FailoverKnobs),
      autoFailback: resolveBoolean(
        'failover.autoFailback',
        autoFailback,
        FAILOVER_DEFAULTS.autoFailback,
      ),
      splitBrain: resolveChoice(
        'failover.splitBrain',
        splitBrain,
        ['refuse', 'stay'] as const,
        FAILOVER_DEFAULTS.splitBrain,
      ),
      cluster: resolveCluster(cluster),
    },
    failoverMode:
      mode === undefined
        ? undefined
        : resolveChoice('failover.mode', mode, ['role', 'ordered'] as const, 'role'),
  }
}

function resolveCluster(given: unknown): string | undefined {
  if (given === undefined) return undefined
  // As a number it would not be exact.
  if (typeof given !== 'string' || given.trim() === '')
    throw invalid('failover.cluster', given, 'a string that is not empty')
  return given.trim()
}
