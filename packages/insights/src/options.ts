import { invalidOption, rejectUnknownOptions } from '@connmgr/core/driver'

/** When repeated reads count as N+1. */
export interface NPlusOneOptions {
  /** So many reads of one shape, from one place, within one request. @default 5 */
  readonly threshold?: number
}

/** Options of {@link insights}. Times are in milliseconds. */
export interface InsightsOptions {
  /** Statements that run for as long are kept as samples, without values. @default 200 */
  readonly slowMs?: number
  /**
   * How many fingerprints are kept; beyond that the least important give way. 500 take at most 4 MB.
   * @default 500
   */
  readonly maxFingerprints?: number
  /** Watches for N+1; false switches it off. @default true */
  readonly nPlusOne?: boolean | NPlusOneOptions
  /** A connection that is held for so long while no statement runs on it is reported by its holder. @default 100 */
  readonly heldIdleMs?: number
  /**
   * Asks the server for generic plans of the statements that take the most time (PostgreSQL 16 and later), over a
   * connection of its own, to notice when a plan changes. @default false
   */
  readonly plans?: boolean
  /**
   * Share of the statements whose call site is read from the stack, from 0 to 1, or `'adaptive'`: all while there are
   * fewer than 500 in a second, then as many at random, and of those that have long come from one line one in 32. Counts
   * and times are of all statements either way.
   * @default 'adaptive'
   */
  readonly sampleRate?: number | 'adaptive'
  /**
   * Once a statement has run for so long, the server is asked who blocks it (PostgreSQL), over a connection of its own;
   * false switches it off. @default 500
   */
  readonly blockingMs?: number | false
}

/** The options as they are in force. */
export interface ResolvedOptions {
  readonly slowMs: number
  readonly maxFingerprints: number
  /** Infinity if N+1 is not watched for. */
  readonly nPlusOneThreshold: number
  readonly heldIdleMs: number
  readonly plans: boolean
  readonly sampleRate: number | 'adaptive'
  /** Infinity if the server is not asked. */
  readonly blockingMs: number
}

const DEFAULT_THRESHOLD = 5
const KNOWN = [
  'slowMs',
  'maxFingerprints',
  'nPlusOne',
  'heldIdleMs',
  'plans',
  'sampleRate',
  'blockingMs',
]
const MOST_FINGERPRINTS = 100_000

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
export function resolveOptions(options: InsightsOptions): ResolvedOptions {
  rejectUnknownOptions(options, KNOWN, 'insights()')
  const {
    sampleRate = 'adaptive',
    plans = false,
    blockingMs = 500,
    maxFingerprints = 500,
  } = options
  if (
    sampleRate !== 'adaptive' &&
    !(typeof sampleRate === 'number' && sampleRate >= 0 && sampleRate <= 1)
  )
    throw invalidOption('sampleRate', sampleRate, "a number from 0 to 1, or 'adaptive'")
  if (typeof plans !== 'boolean') throw invalidOption('plans', plans, 'true or false')
  if (
    !Number.isInteger(maxFingerprints) ||
    maxFingerprints < 1 ||
    maxFingerprints > MOST_FINGERPRINTS
  )
    throw invalidOption(
      'maxFingerprints',
      maxFingerprints,
      `an integer from 1 to ${MOST_FINGERPRINTS}`,
    )
  return {
    slowMs: milliseconds('slowMs', options.slowMs ?? 200),
    maxFingerprints,
    nPlusOneThreshold: thresholdOf(options.nPlusOne ?? true),
    heldIdleMs: milliseconds('heldIdleMs', options.heldIdleMs ?? 100),
    plans,
    sampleRate,
    blockingMs:
      blockingMs === false ? Number.POSITIVE_INFINITY : milliseconds('blockingMs', blockingMs),
  }
}

function thresholdOf(given: boolean | NPlusOneOptions): number {
  if (given === false) return Number.POSITIVE_INFINITY
  if (given === true) return DEFAULT_THRESHOLD
  if (typeof given !== 'object' || given === null)
    throw invalidOption('nPlusOne', given, 'true, false or { threshold }')
  rejectUnknownOptions(given, ['threshold'], 'nPlusOne')
  return checkThreshold('nPlusOne.threshold', given.threshold ?? DEFAULT_THRESHOLD)
}

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
export function checkThreshold(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 2)
    throw invalidOption(name, value, 'an integer of at least 2')
  return value
}

function milliseconds(name: string, value: number): number {
  if (typeof value !== 'number' || !(value >= 0) || value > 2 ** 31 - 1)
    throw invalidOption(name, value, 'a number of milliseconds from 0 to 2147483647')
  return value
}
