import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { InvalidOptionError } from '@connmgr/core'
import type { StatementTracer } from '@connmgr/core/driver'
import { DatabaseOpenError, type SqliteConnectionManager } from '@connmgr/sqlite'
import { ConnectionIsNotSetError, DataSource, type ReplicationMode } from 'typeorm'
import type { SqliteDataSourceOptions } from '../managed-types.js'
import type { ManagerOwnership } from '../manager-ownership.js'
import {
  type ManagedQueryRunnerClass,
  managedQueryRunner,
  type PlainQueryRunner,
  type PlainQueryRunnerClass,
} from './query-runner.js'
import { type Lend, RunnerLease } from './runner-lease.js'

/** TypeORM's driver for better-sqlite3: what is used and replaced of it. */
interface TypeormDriver {
  /** What it was given as `driver`. */
  readonly sqlite: unknown
  /** The one that it keeps for all callers. */
  queryRunner: unknown
  readonly attachedDatabases?: Readonly<Record<string, unknown>>
  connect(): Promise<void>
  afterConnect(): Promise<void>
  disconnect(): Promise<void>
  createQueryRunner(mode: ReplicationMode): PlainQueryRunner
}

const DATABASE = Symbol.for('@connmgr/typeorm managed SQLite')
const ADOPTED = Symbol.for('@connmgr/typeorm adopted driver')
const SQLITE_CANTOPEN = 14
const classes = new WeakMap<PlainQueryRunnerClass, ManagedQueryRunnerClass>()

/** The database of one DataSource: what TypeORM's driver does by its one connection, done by a manager. */
class ManagedDatabase {
  readonly #ownership: ManagerOwnership<SqliteConnectionManager>
  readonly #options: SqliteDataSourceOptions
  readonly #holding = new Set<RunnerLease>()
  /** Between `initialize()` and `destroy()`. */
  #manager: SqliteConnectionManager | undefined

  constructor(
    ownership: ManagerOwnership<SqliteConnectionManager>,
    options: SqliteDataSourceOptions,
  ) {
    this.#ownership = ownership
    this.#options = options
  }

  async connect(): Promise<void> {
    const { manager, owned } = this.#ownership
    this.#ownership.poolOpened()
    try {
      if (owned) await this.#requireFile()
      await manager.use(async () => {})
      this.#manager = manager
    } catch (error) {
      await this.#ownership.abandon({ drainTimeoutMs: 0 })
      throw error
    }
  }

  /** Query runners that were never released give their connections back, as TypeORM does for PostgreSQL. */
  async disconnect(): Promise<void> {
    this.#manager = undefined
    for (const each of [...this.#holding]) each.release()
    await this.#ownership.poolEnded()
  }

  createQueryRunner(
    driver: TypeormDriver,
    plain: PlainQueryRunner,
    mode: ReplicationMode,
  ): PlainQueryRunner {
    const Plain = plain.constructor as PlainQueryRunnerClass
    const Managed = classes.get(Plain) ?? managedQueryRunner(Plain)
    classes.set(Plain, Managed)
    const target = mode === 'slave' ? 'prefer-standby' : 'primary'
    const lend: Lend = async (below) => {
      if (this.#manager === undefined) throw new ConnectionIsNotSetError('better-sqlite3')
      return this.#manager.lend({ target }, below)
    }
    const queries = (): StatementTracer | undefined => this.#manager?.queries
    return new Managed(
      driver,
      mode,
      new RunnerLease(lend, this.#holding, this.#replaces(), queries),
    )
  }

  /** A reset opens a file anew, without what `prepareDatabase` has done; a new connection has that. */
  #replaces(): boolean {
    return this.#options.prepareDatabase !== undefined && isFile(this.#options.database)
  }

  /** As TypeORM does before it opens a file. */
  async #requireFile(): Promise<void> {
    const { database, fileMustExist, readonly } = this.#options
    if (!isFile(database)) return
    if (fileMustExist === true && !existsSync(database))
      throw new DatabaseOpenError(
        `cannot open ${database}: there is no such file, and option "fileMustExist" is set`,
        SQLITE_CANTOPEN,
        'unreachable',
      )
    if (readonly !== true) await mkdir(path.dirname(database), { recursive: true })
  }
}

/**
 * What TypeORM takes for better-sqlite3. TypeORM has no option for how it makes query runners, so that its driver's class
 * learns to ask here; drivers of other DataSources go on as before.
 */
export function managedSqlite(
  ownership: ManagerOwnership<SqliteConnectionManager>,
  options: SqliteDataSourceOptions,
): object {
  const probe = new DataSource({ type: 'better-sqlite3', database: ':memory:', driver: refuse })
  adoptDriver(probe.driver)
  // A function, as TypeORM would call it by `new` if it were another copy.
  const sqlite = function Database(): never {
    return refuse()
  }
  return Object.assign(sqlite, { [DATABASE]: new ManagedDatabase(ownership, options) })
}

/** Has a driver of TypeORM, and all others of its class, ask for the database that was given as `driver`. */
export function adoptDriver(driver: object): void {
  const prototype = Object.getPrototypeOf(driver) as TypeormDriver & { [ADOPTED]?: true }
  if (Object.hasOwn(prototype, ADOPTED)) return
  const { connect, afterConnect, disconnect, createQueryRunner } = prototype
  Object.assign(prototype, {
    [ADOPTED]: true,
    connect(this: TypeormDriver): Promise<void> {
      return databaseOf(this)?.connect() ?? connect.call(this)
    },
    async afterConnect(this: TypeormDriver): Promise<void> {
      if (databaseOf(this) === undefined) return afterConnect.call(this)
      refuseAttached(this)
    },
    disconnect(this: TypeormDriver): Promise<void> {
      return databaseOf(this)?.disconnect() ?? disconnect.call(this)
    },
    createQueryRunner(this: TypeormDriver, mode: ReplicationMode): PlainQueryRunner {
      const plain = createQueryRunner.call(this, mode)
      const database = databaseOf(this)
      if (database === undefined) return plain
      this.queryRunner = undefined
      return database.createQueryRunner(this, plain, mode)
    },
  })
}

/** False for a database in memory, a temporary one, and a URL. */
function isFile(database: unknown): database is string {
  return typeof database === 'string' && !/^(?:$|:memory:$|[a-z\d]{2,}:)/i.test(database)
}

function databaseOf({ sqlite }: TypeormDriver): ManagedDatabase | undefined {
  return (sqlite as { readonly [DATABASE]?: ManagedDatabase } | undefined)?.[DATABASE]
}

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` for entities in other files */
function refuseAttached({ attachedDatabases = {} }: TypeormDriver): void {
  const [database] = Object.keys(attachedDatabases)
  if (database === undefined) return
  throw new InvalidOptionError(
    'database',
    `an entity names the database "${database}", which would have to be attached to each connection; ` +
      'make a DataSource for each file',
  )
}

function refuse(): never {
  throw new InvalidOptionError(
    'driver',
    'the DataSource was made by another copy of typeorm than @connmgr/typeorm has found; see the copies with ' +
      '"npm ls typeorm" and install one version, or call attachConnectionManager(dataSource)',
  )
}
