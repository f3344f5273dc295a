import { InvalidOptionError } from '../errors.js'
import type { ForeignOptions } from './foreign-options.js'
import { MANAGER_OPTION_NAMES } from './resolve.js'
import { invalid } from './rules.js'
import { rejectForeignOptions, rejectUnknownOptions } from './unknown-options.js'

/** The options of one package's managers. */
export interface PackageOptions {
  /** The package, as users install it. */
  readonly package: string
  /** Options beyond those of every manager. */
  readonly own: readonly string[]
  /** Options of every manager that make no sense here, each with what the caller should do instead. */
  readonly without?: Readonly<Record<string, string>>
  /** What other libraries for the database call our options. */
  readonly foreign?: ForeignOptions
}

/** Names the options that a package's `createConnectionManager` takes. */
export function optionNames({ own, without = {} }: PackageOptions): readonly string[] {
  return [...MANAGER_OPTION_NAMES.filter((name) => !Object.hasOwn(without, name)), ...own]
}

/**
 * Refuses what is no option of a package's managers: a manager, an option that makes no sense for the database, another
 * library's option, a misspelt one.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function checkManagerOptions(options: object, described: PackageOptions): void {
  if ('acquire' in options) throw isManager(described.package)
  const given = options as Readonly<Record<string, unknown>>
  for (const [name, advice] of Object.entries(described.without ?? {}))
    if (name in options) throw invalid(name, given[name], advice)
  const names = optionNames(described)
  const what = 'the options of createConnectionManager'
  rejectForeignOptions(options, names, what, described.foreign)
  rejectUnknownOptions(options, names, what)
}

function isManager(name: string): InvalidOptionError {
  return new InvalidOptionError(
    'options',
    `a manager was passed where options are expected, or it was made by another copy of ${name}; ` +
      `see the copies with "npm ls ${name}" and install one version`,
  )
}
