import {
  canInstallPackages,
  findMariadb,
  installPrograms,
  MARIADB_INSTALL_COMMAND,
  MARIADB_PROGRAMS,
} from '@connmgr/testing'
import { type Database, MissingProgramsError } from '../database.js'
import { ChaosContext } from './context.js'
import { SCENARIOS } from './scenarios/index.js'

export const MARIADB: Database<ChaosContext> = {
  scenarios: SCENARIOS,
  orms: ['mysql2'],
  createContext: (_orm, show) => new ChaosContext(show),
  prepare: (show) => requireMariadb(show),
}

/** How MariaDB comes onto a machine. */
interface Installer {
  readonly find: typeof findMariadb
  readonly mayInstall: () => boolean
  readonly install: (show: (line: string) => void) => void
}

const DEBIAN: Installer = {
  find: findMariadb,
  mayInstall: canInstallPackages,
  install: (show) => installPrograms(MARIADB_PROGRAMS, show),
}

/**
 * Installs MariaDB if it is not here and this process may install it.
 *
 * @throws MissingProgramsError
 */
export function requireMariadb(
  show: (line: string) => void,
  { find, install, mayInstall }: Installer = DEBIAN,
): void {
  try {
    if (find() !== undefined) return
    if (mayInstall()) install(show)
    if (find() !== undefined) return
  } catch (error) {
    throw new MissingProgramsError((error as Error).message, { cause: error })
  }
  throw new MissingProgramsError(
    `MariaDB is not installed. Install it, as root on Debian or Ubuntu, with "${MARIADB_INSTALL_COMMAND}", ` +
      'or set MARIADB_BIN to the directory of mariadbd',
  )
}
