import { InvalidOptionError } from '../errors.js'
import { redactText } from '../secrets/redact-text.js'
import { isSecretName } from '../secrets/secret-names.js'
import { rejectUnknownOptions } from './unknown-options.js'

/** Node fires timers that are longer than this at once. */
export const LONGEST_MS = 2 ** 31 - 1

/** What a number option must be. */
interface NumberRule {
  readonly fallback: number
  readonly min: number
  readonly max?: number
  /** Whether parts are allowed; counts have none. `@default` false */
  readonly fraction?: boolean
  /** The environment variable that is asked when the option is not given. */
  readonly env?: string
  /** Whether 0 means "off", which is infinity. */
  readonly zeroIsOff?: boolean
}

export type NumberRules = Readonly<Record<string, NumberRule>>
export type NumbersOf<R extends NumberRules> = { [K in keyof R]: number }

/** Resolves number options: the option, else the environment, else the fallback. */
export function resolveNumbers<R extends NumberRules>(
  prefix: string,
  given: object,
  rules: R,
  env: NodeJS.ProcessEnv,
): NumbersOf<R> {
  const resolved: Record<string, number> = {}
  for (const [name, rule] of Object.entries(rules)) {
    resolved[name] = resolveNumber(
      `${prefix}${name}`,
      (given as Record<string, unknown>)[name],
      rule,
      env,
    )
  }
  return resolved as NumbersOf<R>
}

function resolveNumber(
  option: string,
  given: unknown,
  rule: NumberRule,
  env: NodeJS.ProcessEnv,
): number {
  let name = option
  let value = given
  if (value === undefined && rule.env !== undefined) {
    const text = env[rule.env]
    if (text !== undefined && text.trim() !== '') {
      name = rule.env
      value = Number(text)
      if (Number.isNaN(value)) throw invalid(name, text, expectation(rule))
    }
  }
  if (value === undefined) value = rule.fallback
  const max = rule.max ?? LONGEST_MS
  const ok =
    typeof value === 'number' &&
    Number.isFinite(value) &&
    value >= rule.min &&
    value <= max &&
    (rule.fraction === true || Number.isInteger(value))
  if (!ok) throw invalid(name, value, expectation(rule))
  return rule.zeroIsOff === true && value === 0 ? Number.POSITIVE_INFINITY : (value as number)
}

function expectation(rule: NumberRule): string {
  const kind = rule.fraction === true ? 'a number' : 'a whole number'
  const range = `from ${rule.min} to ${rule.max ?? LONGEST_MS}`
  return `${kind} ${range}${rule.zeroIsOff === true ? ' (0 switches it off)' : ''}`
}

/** Resolves an option that must be one of a few strings. */
export function resolveChoice<T extends string>(
  option: string,
  given: unknown,
  choices: readonly T[],
  fallback: T,
): T {
  if (given === undefined) return fallback
  if (choices.includes(given as T)) return given as T
  throw invalid(option, given, `one of ${choices.map((each) => `'${each}'`).join(', ')}`)
}

export function resolveBoolean(option: string, given: unknown, fallback: boolean): boolean {
  if (given === undefined) return fallback
  if (typeof given === 'boolean') return given
  throw invalid(option, given, 'true or false')
}

export function requireFunction(option: string, given: unknown): void {
  if (given !== undefined && typeof given !== 'function') throw invalid(option, given, 'a function')
}

/** An option that is `true`, `false` or an object with settings of its own. */
export function resolveSwitch(
  option: string,
  given: unknown,
  known: readonly string[],
): { readonly enabled: boolean; readonly settings: object } {
  if (given === undefined || given === true) return { enabled: true, settings: {} }
  if (given === false) return { enabled: false, settings: {} }
  if (typeof given !== 'object' || given === null)
    throw invalid(option, given, 'true, false or an object')
  rejectUnknownOptions(given, known, option)
  return { enabled: true, settings: given }
}

/** The error of an option with a wrong value. The value is shown only if it cannot hold a secret. */
export function invalid(option: string, value: unknown, expected: string): InvalidOptionError {
  return new InvalidOptionError(
    option,
    `option "${option}" must be ${expected}, but it is ${isSecretName(option) ? kindOf(value) : show(value)}`,
  )
}

function show(value: unknown): string {
  if (typeof value !== 'string')
    return typeof value === 'object' || typeof value === 'function' ? kindOf(value) : String(value)
  return value.includes('@') || redactText(value) !== value
    ? kindOf(value)
    : JSON.stringify(value.slice(0, 60))
}

function kindOf(value: unknown): string {
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? 'an array' : 'an object'
  return value === null || value === undefined ? String(value) : `a ${typeof value}`
}
