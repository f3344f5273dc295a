import { TARGETS } from '../vocabulary/target.js'
import { invalid, LONGEST_MS } from './rules.js'
import { rejectUnknownOptions } from './unknown-options.js'

/** What the value of one option must be: a test, and the words for the error. */
interface Rule {
  readonly accepts: (value: unknown) => boolean
  readonly expected: string
}

/** The options of one method. What is not in it is refused. */
export type CallRules = Readonly<Record<string, Rule>>

const oneOf = (...choices: readonly string[]): Rule => {
  const known: ReadonlySet<unknown> = new Set(choices)
  return {
    accepts: (value) => known.has(value),
    expected: `one of ${choices.map((each) => `'${each}'`).join(', ')}`,
  }
}
const ANYTHING: Rule = { accepts: () => true, expected: 'anything' }
const TEXT: Rule = { accepts: (value) => typeof value === 'string', expected: 'a string' }
const BOOLEAN: Rule = {
  accepts: (value) => typeof value === 'boolean',
  expected: 'true or false',
}
const FUNCTION: Rule = { accepts: (value) => typeof value === 'function', expected: 'a function' }
const MILLISECONDS: Rule = {
  accepts: (value) => typeof value === 'number' && value >= 0 && value <= LONGEST_MS,
  expected: `a number from 0 to ${LONGEST_MS}`,
}
/** One of another realm or a polyfill is as good. */
const SIGNAL: Rule = {
  accepts: (value) =>
    typeof value === 'object' &&
    value !== null &&
    typeof (value as AbortSignal).aborted === 'boolean' &&
    typeof (value as AbortSignal).addEventListener === 'function',
  expected: 'an AbortSignal',
}
const TOKEN: Rule = {
  accepts: (value) => typeof value === 'string' || (typeof value === 'object' && value !== null),
  expected: 'a token of manager.writeToken(), or its string',
}

const WAITING = { signal: SIGNAL, timeoutMs: MILLISECONDS, label: TEXT }
/** For the options of packages above. */
export const CALL_RULES = {
  function: FUNCTION,
  milliseconds: MILLISECONDS,
  oneOf,
  /** Of a pool-shaped facade, which has its target. */
  connect: { ...WAITING, longLived: BOOLEAN, context: ANYTHING },
} as const

const ACQUIRING = {
  ...WAITING,
  longLived: BOOLEAN,
  context: ANYTHING,
  target: oneOf(...TARGETS),
  after: TOKEN,
}
const REPLAYING = {
  replay: oneOf('never', 'safe', 'idempotent'),
  deadlineMs: MILLISECONDS,
  outcome: FUNCTION,
}

export const ISOLATION_LEVELS = [
  'read uncommitted',
  'read committed',
  'repeatable read',
  'serializable',
] as const

/** The options of every method of a manager that takes some. */
export const CALLS = {
  acquire: ACQUIRING,
  use: { ...ACQUIRING, ...REPLAYING },
  transaction: {
    ...ACQUIRING,
    ...REPLAYING,
    isolation: oneOf(...ISOLATION_LEVELS),
    readOnly: BOOLEAN,
  },
  replay: { ...REPLAYING, signal: SIGNAL },
  replayTransaction: { ...REPLAYING, signal: SIGNAL },
  /** Of a pool: what is ours among the options of a query. */
  query: { replay: REPLAYING.replay, deadlineMs: REPLAYING.deadlineMs, signal: SIGNAL },
  writeToken: WAITING,
  ready: { signal: SIGNAL, timeoutMs: MILLISECONDS },
  withSession: { after: TOKEN, stickyReadsMs: MILLISECONDS },
  resize: {
    poolSize: { accepts: Number.isInteger, expected: 'a whole number' },
    maxOverflow: { accepts: Number.isInteger, expected: 'a whole number' },
  },
  close: { drainTimeoutMs: MILLISECONDS },
} as const satisfies Record<string, CallRules>

/**
 * Checks what one call was given, each name and each value. Cheap enough for every call: nothing is built unless
 * something is wrong.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function checkCall(method: string, options: object, rules: CallRules): void {
  if (typeof options !== 'object' || options === null)
    throw invalid('options', options, `an object with the options of ${method}`)
  for (const name in options) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (rule === undefined) {
      rejectUnknownOptions({ [name]: undefined }, Object.keys(rules), `the options of ${method}`)
      continue
    }
    const value = (options as Record<string, unknown>)[name]
    if (value !== undefined && !rule.accepts(value)) throw invalid(name, value, rule.expected)
  }
}

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` if what is to be run is no function */
export function checkWork(method: string, work: unknown): void {
  if (typeof work !== 'function')
    throw invalid('work', work, `the function that ${method} is to run`)
}

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` if an argument that names something is no string */
export function checkName(argument: string, value: unknown): void {
  if (typeof value !== 'string' || value === '')
    throw invalid(argument, value, 'a string that is not empty')
}

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` if a number of connections is none */
export function checkCount(argument: string, value: unknown): void {
  if (!Number.isInteger(value) || (value as number) < 0)
    throw invalid(argument, value, 'a whole number that is not negative')
}

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` if a listener is no function */
export function checkListener(listener: unknown): void {
  if (typeof listener !== 'function') throw invalid('listener', listener, 'a function')
}

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` if an observer of queries would never be called */
export function checkObserver(observer: unknown): void {
  const { called, ended, started } = (observer ?? {}) as Record<string, unknown>
  const given = [called, ended, started].filter((each) => each !== undefined)
  if (given.length === 0 || given.some((each) => typeof each !== 'function'))
    throw invalid(
      'observer',
      observer,
      'an object with a function as "started", "called" or "ended"',
    )
}
