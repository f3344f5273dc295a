import { InvalidOptionError } from '@connmgr/core'
import { messageOf } from '@connmgr/core/driver'
import type { DataSourceOptions } from 'typeorm'
import type { Binding, Bindings } from './binding.js'
import type {
  Databases,
  DataSourceOptionsOf,
  ManagedDataSourceOptions,
  ManagedType,
} from './managed-types.js'

/** Loaded when a DataSource needs them: only one of the libraries has to be installed. */
const BINDINGS: Bindings = {
  postgres: () =>
    (require('./postgres/binding.js') as typeof import('./postgres/binding.js')).POSTGRES,
  mysql: () => (require('./mysql/binding.js') as typeof import('./mysql/binding.js')).MYSQL,
  mariadb: () => (require('./mysql/binding.js') as typeof import('./mysql/binding.js')).MYSQL,
  'better-sqlite3': () =>
    (require('./sqlite/binding.js') as typeof import('./sqlite/binding.js')).SQLITE,
}

/** Those that were loaded: each call of a method of TypeORM may ask for one. */
const loaded = new Map<ManagedType, unknown>()

/** What is to be installed beside this package. */
const PACKAGES: Readonly<Record<ManagedType, string>> = {
  postgres: 'pg',
  mysql: 'mysql2',
  mariadb: 'mysql2',
  'better-sqlite3': 'better-sqlite3',
}

/** The types in words, for messages. */
const TYPES = Object.keys(PACKAGES).map((type) => `'${type}'`)

/**
 * The binding of a type.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION` if the library of the database is not installed; the `cause` says
 * what is missing
 */
export function bindingOf<T extends ManagedType>(type: T): Binding<Databases[T]> {
  const known = loaded.get(type)
  if (known !== undefined) return known as Binding<Databases[T]>
  try {
    const binding = BINDINGS[type]() as Binding<Databases[T]>
    loaded.set(type, binding)
    return binding
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException | null)?.code !== 'MODULE_NOT_FOUND') throw cause
    const error = new InvalidOptionError(
      'type',
      `option "type" is '${type}', which needs packages that are not installed; run ` +
        `"npm install ${PACKAGES[type]}" (${messageOf(cause).split('\n')[0]})`,
    )
    Object.defineProperty(error, 'cause', { value: cause, configurable: true })
    throw error
  }
}

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` for a DataSource that connmgr cannot manage */
export function requireManaged(
  options: DataSourceOptions,
): asserts options is ManagedDataSourceOptions {
  if (!isManagedType(options.type))
    throw new InvalidOptionError(
      'type',
      `option "type" must be one of ${TYPES.join(', ')} for @connmgr/typeorm, but it is '${options.type}'`,
    )
  const { type } = options
  bindingOf(type).checkOptions(options as DataSourceOptionsOf<typeof type>)
}

export function isManagedType(type: string): type is ManagedType {
  return Object.hasOwn(PACKAGES, type)
}
