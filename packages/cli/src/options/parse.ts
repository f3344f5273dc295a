import { type ParseArgsConfig, parseArgs } from 'node:util'
import { isError } from '@connmgr/core/driver'
import { UsageError } from '../exit-code.js'

/** The declarations of a command's options, as `util.parseArgs` takes them. */
export type OptionDeclarations = NonNullable<ParseArgsConfig['options']>

/** What a command line says: texts, lists of texts, and switches. */
export type Parsed = Readonly<
  Record<string, string | boolean | readonly (string | boolean)[] | undefined>
>

/** Options that all commands have. */
const COMMON_OPTIONS = {
  json: { type: 'boolean' },
  'no-color': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const satisfies OptionDeclarations

/**
 * Reads the arguments of a command. Values never stand in the message of an error: one may be a URL with its password.
 *
 * @throws UsageError
 */
export function parseOptions(args: readonly string[], options: OptionDeclarations): Parsed {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { ...COMMON_OPTIONS, ...options },
      strict: true,
      allowPositionals: false,
    })
    return values
  } catch (error) {
    throw new UsageError(withoutValues(error))
  }
}

/** The texts of an option that may be given several times. */
export function textsOf(parsed: Parsed, name: string): string[] {
  const value = parsed[name]
  const list = Array.isArray(value) ? value : value === undefined ? [] : [value]
  return list.filter((each): each is string => typeof each === 'string')
}

/** The text of an option that is given once; undefined without it. @throws UsageError if it is empty */
export function textOf(parsed: Parsed, name: string): string | undefined {
  const value = parsed[name]
  if (typeof value !== 'string') return undefined
  if (value.trim() === '')
    throw new UsageError(`--${name} is empty; give it a value or leave it out`)
  return value
}

/** A whole number. @throws UsageError */
export function countOf(
  parsed: Parsed,
  name: string,
  { least, most = Number.MAX_SAFE_INTEGER }: { readonly least: number; readonly most?: number },
): number | undefined {
  const text = parsed[name]
  if (typeof text !== 'string') return undefined
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= most) return value
  const upTo = most === Number.MAX_SAFE_INTEGER ? 'at least' : `from ${least} to ${most}, not`
  const bound = most === Number.MAX_SAFE_INTEGER ? ` ${least}, not` : ''
  throw new UsageError(`--${name} must be a whole number ${upTo}${bound} "${text.slice(0, 40)}"`)
}

/** One of several words. @throws UsageError */
export function choiceOf<T extends string>(
  parsed: Parsed,
  name: string,
  choices: readonly T[],
  fallback: T,
): T {
  const text = parsed[name]
  if (typeof text !== 'string') return fallback
  const found = choices.find((each) => each === text)
  if (found !== undefined) return found
  throw new UsageError(`--${name} must be one of ${choices.join(', ')}, not "${text.slice(0, 40)}"`)
}

function withoutValues(error: unknown): string {
  const code = (error as { code?: unknown }).code
  const message = isError(error) ? error.message : String(error)
  if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL')
    return 'there is an argument that belongs to no option; a URL goes behind --url'
  // Node's own words name the option, and with its value only what was typed as an option itself.
  return (message.split('\n')[0] ?? message).replace(/(--?[\w-]+)=\S*/g, '$1')
}
