import {
  canFetchSuitePrograms,
  canInstallPackages,
  fetchSuiteProgram,
  installPrograms,
  MARIADB as MARIADB_PRODUCT,
  MARIADB_PROGRAMS,
  MYSQL as MYSQL_PRODUCT,
  type MysqlProduct,
  SUITE_MYSQL,
} from '@connmgr/testing'
import type { Database } from '../database.js'
import { MissingProgramsError } from '../missing-programs.js'
import { ChaosContext } from './context.js'
import { SCENARIOS } from './scenarios/index.js'

export const MARIADB = databaseOf(MARIADB_PRODUCT)
export const MYSQL = databaseOf(MYSQL_PRODUCT)

function databaseOf(product: MysqlProduct): Database<ChaosContext> {
  return {
    scenarios: SCENARIOS,
    orms: ['mysql2'],
    createContext: (_orm, show) => new ChaosContext(product, show),
    prepare: (show) => requireServers(product, show),
  }
}

/** How a product comes onto a machine. */
interface Installer {
  readonly mayInstall: () => boolean
  readonly install: (show: (line: string) => void) => void
}

const INSTALLERS: Readonly<Record<MysqlProduct['id'], Installer>> = {
  mariadb: {
    mayInstall: canInstallPackages,
    install: (show) => installPrograms(MARIADB_PROGRAMS, show),
  },
  mysql: {
    mayInstall: canFetchSuitePrograms,
    install: (show) => void fetchSuiteProgram(SUITE_MYSQL, show),
  },
}

/**
 * Installs a product if it is not here and this process may install it.
 *
 * @throws MissingProgramsError
 */
export function requireServers(
  product: Pick<MysqlProduct, 'find' | 'howToGet' | 'id' | 'name'>,
  show: (line: string) => void,
  { install, mayInstall }: Installer = INSTALLERS[product.id],
): void {
  try {
    if (product.find() !== undefined) return
    if (mayInstall()) install(show)
    if (product.find() !== undefined) return
  } catch (error) {
    throw new MissingProgramsError((error as Error).message, { cause: error })
  }
  throw new MissingProgramsError(`${product.name} is not here. ${product.howToGet}`)
}
