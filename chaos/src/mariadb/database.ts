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
  prepare: requireMariadb,
}

/** Installs MariaDB if it is not here and this process may install it. */
export function requireMariadb(show: (line: string) => void): void {
  if (findMariadb() !== undefined) return
  if (!canInstallPackages())
    throw new MissingProgramsError(
      `MariaDB is not installed. Install it, as root on Debian or Ubuntu, with "${MARIADB_INSTALL_COMMAND}", ` +
        'or set MARIADB_BIN to the directory of mariadbd',
    )
  try {
    installPrograms(MARIADB_PROGRAMS, show)
  } catch (error) {
    throw new MissingProgramsError((error as Error).message, { cause: error })
  }
  if (findMariadb() === undefined)
    throw new MissingProgramsError(
      `"${MARIADB_INSTALL_COMMAND}" has been run, and there is still no mariadbd with its system tables`,
    )
}
