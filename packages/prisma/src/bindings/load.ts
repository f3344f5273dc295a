import { UnsupportedError } from '@connmgr/core'

// Loaded when they are first needed, as a database that is not used need not be installed. `require` is there in both
// builds of this package; its calls have literal names, so that bundlers see them.

/** @throws UnsupportedError `CONNMGR_UNSUPPORTED` if node-postgres is not installed */
export function loadPg(): typeof import('@connmgr/pg') {
  return loaded('@connmgr/pg', 'PostgreSQL', 'pg @prisma/adapter-pg', () => require('@connmgr/pg'))
}

/** @throws UnsupportedError `CONNMGR_UNSUPPORTED` if it is not installed */
export function loadPrismaPg(): typeof import('@prisma/adapter-pg') {
  return loaded('@prisma/adapter-pg', 'PostgreSQL', 'pg @prisma/adapter-pg', () =>
    require('@prisma/adapter-pg'),
  )
}

const MYSQL = 'MySQL and MariaDB'
const FOR_MYSQL = 'mysql2 @prisma/adapter-mariadb'

/** @throws UnsupportedError `CONNMGR_UNSUPPORTED` if mysql2 is not installed */
export function loadMysql(): typeof import('@connmgr/mysql') {
  return loaded('@connmgr/mysql', MYSQL, FOR_MYSQL, () => require('@connmgr/mysql'))
}

/** @throws UnsupportedError `CONNMGR_UNSUPPORTED` if mysql2 is not installed */
export function loadMariadbPool(): typeof import('@connmgr/mysql/mariadb') {
  return loaded('@connmgr/mysql/mariadb', MYSQL, FOR_MYSQL, () => require('@connmgr/mysql/mariadb'))
}

/** @throws UnsupportedError `CONNMGR_UNSUPPORTED` if it is not installed */
export function loadPrismaMariaDb(): typeof import('@prisma/adapter-mariadb') {
  return loaded('@prisma/adapter-mariadb', MYSQL, FOR_MYSQL, () =>
    require('@prisma/adapter-mariadb'),
  )
}

/** Kept, so that one copy serves all that was made here, also where modules are loaded anew, as by development servers. */
const modules = new Map<string, unknown>()

function loaded<T>(name: string, database: string, packages: string, load: () => T): T {
  const known = modules.get(name) as T | undefined
  if (known !== undefined) return known
  try {
    const module = load()
    modules.set(name, module)
    return module
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException | null)?.code !== 'MODULE_NOT_FOUND') throw cause
    const { message } = cause as Error
    const error = new UnsupportedError(
      `${database} under Prisma needs packages that are not installed (${message.split('\n')[0]}); ` +
        `install them with "npm install ${packages}"`,
    )
    Object.defineProperty(error, 'cause', { value: cause, configurable: true })
    throw error
  }
}
