import path from 'node:path'
import { ConnectionManager, type Endpoint, type ManagerOptions } from '@connmgr/core'
import {
  checkManagerOptions,
  invalidOption,
  makeEndpoint,
  optionNames,
  type PackageOptions,
} from '@connmgr/core/driver'
import type { DuckDBConnection } from '@duckdb/node-api'
import { DuckDbDriver, type DuckDbEndpointConfig } from './driver.js'

/** Options of {@link createConnectionManager}: where the database is, and what of `ManagerOptions` applies to a file. */
export interface DuckDbManagerOptions
  extends Omit<ManagerOptions<DuckDBConnection>, 'failover' | 'topology' | 'poolMode'> {
  /** The database as a URL, as `duckdb:app.duckdb`, `duckdb:///var/lib/app.duckdb` or `file:app.duckdb`. `@default` DATABASE_URL */
  readonly databaseUrl?: string
  /** The database as a path, or `:memory:` for one that lives as long as a connection to it is open. */
  readonly filename?: string
  /** Opens it for reading alone, as several processes may do at a time. `@default` false */
  readonly readOnly?: boolean
  /** DuckDB's own settings of the instance, such as `{ threads: '2', memory_limit: '1GB' }`. */
  readonly config?: Readonly<Record<string, string>>
}

const ALONE_ADVICE = 'left out: a file has nothing to fail over to'
const PATH = { ours: 'filename' }
const URL = { ours: 'databaseUrl' }
const SETTING = "it is a setting of DuckDB's own: put it into config"
const OPTIONS: PackageOptions = {
  package: '@connmgr/duckdb',
  own: ['databaseUrl', 'filename', 'readOnly', 'config'],
  without: { failover: ALONE_ADVICE, topology: ALONE_ADVICE, poolMode: ALONE_ADVICE },
  foreign: {
    path: PATH,
    file: PATH,
    dbpath: PATH,
    database: PATH,
    storage: PATH,
    url: URL,
    uri: URL,
    connectionstring: URL,
    accessmode: { ours: 'readOnly' },
    threads: SETTING,
    memorylimit: SETTING,
    tempdirectory: SETTING,
    options: { ours: 'config' },
  },
}

/** The names of all options of {@link createConnectionManager}. */
export const DUCKDB_OPTION_NAMES: readonly string[] = optionNames(OPTIONS)

let databasesInMemory = 0

/** A {@link ConnectionManager} of one DuckDB database: connections of one instance, which all read and write beside each other. */
export class DuckDbConnectionManager extends ConnectionManager<DuckDBConnection> {
  readonly #driver: DuckDbDriver

  /** @internal Use {@link createConnectionManager}. */
  constructor(endpoint: Endpoint, options: ManagerOptions<DuckDBConnection>) {
    const driver = new DuckDbDriver({ clock: options.clock })
    super({ driver, endpoints: [endpoint], options })
    this.#driver = driver
  }

  protected override cleanUp(): void {
    this.#driver.release()
  }
}

/**
 * Makes the manager of a DuckDB database. It opens the file when first used, or on `start()`; managers of one file in one
 * process share its instance. Two transactions that change the same rows conflict: the later one fails, and is run again
 * with `replay: 'safe'`.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * const manager = createConnectionManager({ filename: 'app.duckdb', poolSize: 4 })
 * const reader = await manager.use((db) => db.runAndReadAll('select 42'))
 */
export function createConnectionManager(
  options: DuckDbManagerOptions = {},
): DuckDbConnectionManager {
  checkManagerOptions(options, OPTIONS)
  const { databaseUrl, filename, readOnly, config, ...managerOptions } = options
  const endpoint = endpointOf(locate(databaseUrl, filename), readOnly, config)
  return new DuckDbConnectionManager(endpoint, managerOptions)
}

function endpointOf(
  file: string,
  readOnly = false,
  given: Readonly<Record<string, string>> = {},
): Endpoint {
  if (typeof readOnly !== 'boolean') throw invalidOption('readOnly', readOnly, 'true or false')
  for (const [name, value] of Object.entries(given))
    if (typeof value !== 'string')
      throw invalidOption(`config.${name}`, value, 'a string, as DuckDB takes its settings')
  const isFile = file !== ':memory:'
  if (!isFile) databasesInMemory += 1
  const config: DuckDbEndpointConfig = {
    path: file,
    memory: isFile ? undefined : `${file}${databasesInMemory}`,
    options: { ...given, ...(readOnly ? { access_mode: 'READ_ONLY' } : {}) },
  }
  return makeEndpoint({ id: config.memory ?? file }, config)
}

function locate(databaseUrl: string | undefined, filename: string | undefined): string {
  if (databaseUrl !== undefined && filename !== undefined)
    throw invalidOption('filename', filename, 'left out beside "databaseUrl"')
  const option =
    filename !== undefined ? 'filename' : databaseUrl !== undefined ? 'databaseUrl' : 'DATABASE_URL'
  const given = filename ?? databaseUrl ?? process.env.DATABASE_URL
  if (typeof given !== 'string' || given.trim() === '')
    throw invalidOption('filename', given, 'the path of a database, or DATABASE_URL must be set')
  const [, scheme, rest = ''] = /^([a-z][a-z0-9+.-]+):(.*)$/is.exec(given) ?? []
  if (scheme === undefined || path.win32.isAbsolute(given)) return resolveFile(given)
  if (!/^(?:duckdb|file)$/i.test(scheme))
    throw invalidOption(option, given, 'a path, or a URL that begins with duckdb: or file:')
  const text = rest.replace(/^\/\/(?=\/|:)/, '')
  if (text.startsWith('//') || /[?#]/.test(text))
    throw invalidOption(
      option,
      given,
      'a URL of a path alone: duckdb:app.duckdb or duckdb:///var/lib/app.duckdb',
    )
  return resolveFile(decode(text, option, given))
}

function decode(text: string, option: string, given: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalidOption(option, given, 'a URL whose percent signs are encoded')
  }
}

function resolveFile(file: string): string {
  return file.trim() === ':memory:' ? ':memory:' : path.resolve(file)
}
