import { InvalidOptionError } from '@connmgr/core'
import {
  invalidOption,
  MANAGER_OPTION_NAMES,
  rejectForeignOptions,
  rejectUnknownOptions,
} from '@connmgr/core/driver'
import { FOREIGN_TO_FILES, OWN_OPTIONS, type SqliteManagerOptions } from './options.js'

/** The names of all options of `createConnectionManager`. */
export const SQLITE_OPTION_NAMES: readonly string[] = [
  ...MANAGER_OPTION_NAMES.filter((name) => !(FOREIGN_TO_FILES as readonly string[]).includes(name)),
  ...OWN_OPTIONS,
]

const READERS_ADVICE = 'left out: a file has one writer; "readers" is how many connections may read'
const ADVICE: Readonly<Record<string, string>> = {
  poolSize: READERS_ADVICE,
  maxOverflow: READERS_ADVICE,
  minIdle: READERS_ADVICE,
}

/**
 * Refuses what is no option of a manager of a file.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function checkOptions(options: SqliteManagerOptions): void {
  if ('acquire' in options)
    throw new InvalidOptionError(
      'options',
      'a manager was passed where options are expected, or it was made by another copy of @connmgr/sqlite; ' +
        'see the copies with "npm ls @connmgr/sqlite" and install one version',
    )
  const what = 'the options of createConnectionManager'
  for (const name of FOREIGN_TO_FILES) {
    if (!(name in options)) continue
    throw invalidOption(
      name,
      (options as Record<string, unknown>)[name],
      ADVICE[name] ?? 'left out: a file has one writer, and nothing to fail over to',
    )
  }
  rejectForeignOptions(options, SQLITE_OPTION_NAMES, what)
  rejectUnknownOptions(options, SQLITE_OPTION_NAMES, what)
}
