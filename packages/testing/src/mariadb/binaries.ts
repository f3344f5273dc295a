import { accessSync, constants, existsSync } from 'node:fs'
import path from 'node:path'

/** Where MariaDB's server is, and the statements that its own installer makes the system tables with. */
export interface MariadbBinaries {
  readonly mariadbd: string
  /** In the order in which they are run. */
  readonly systemTables: readonly string[]
}

/** The programs that the lab runs, each with the Debian package that brings it. */
export const MARIADB_PROGRAMS: Readonly<Record<string, string>> = {
  mariadbd: 'mariadb-server-core',
}

/** Installs what the lab needs on Debian and Ubuntu, without services, clients or configuration. */
export const MARIADB_INSTALL_COMMAND = `apt-get install -y --no-install-recommends ${Object.values(MARIADB_PROGRAMS).join(' ')}`

const SYSTEM_TABLES = [
  'mysql_system_tables.sql',
  'mysql_performance_tables.sql',
  'mysql_system_tables_data.sql',
]
/** Relative to the folder of the program. */
const SCRIPT_FOLDERS = ['../share/mysql', '../share/mariadb', '../share']
const USUAL_FOLDERS = ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin']

/**
 * Finds MariaDB: in the directory that `MARIADB_BIN` names, else where packages put it, else in the `PATH`.
 *
 * @returns undefined if there is none
 */
export function findMariadb(): MariadbBinaries | undefined {
  const named = process.env.MARIADB_BIN
  if (named) {
    const found = inFolder(named)
    if (found === undefined) {
      throw new Error(
        `MARIADB_BIN=${named}: there is no program "mariadbd" with its ${SYSTEM_TABLES[0]} in ${SCRIPT_FOLDERS.join(', ')}`,
      )
    }
    return found
  }
  const folders = [...USUAL_FOLDERS, ...(process.env.PATH ?? '').split(path.delimiter)]
  for (const folder of folders.filter(path.isAbsolute)) {
    const found = inFolder(folder)
    if (found !== undefined) return found
  }
  return undefined
}

function inFolder(folder: string): MariadbBinaries | undefined {
  const mariadbd = path.join(folder, 'mariadbd')
  if (!isProgram(mariadbd)) return undefined
  for (const relative of SCRIPT_FOLDERS) {
    const systemTables = SYSTEM_TABLES.map((name) => path.join(folder, relative, name))
    if (systemTables.every((file) => existsSync(file))) return { mariadbd, systemTables }
  }
  return undefined
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
