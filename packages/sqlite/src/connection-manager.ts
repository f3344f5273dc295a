import {
  ConnectionManager,
  type DriverEvent,
  type Endpoint,
  type LeaseReport,
  type Target,
} from '@connmgr/core'
import { checkManagerOptions } from '@connmgr/core/driver'
import type { SqliteLibrary } from './bindings/binding.js'
import { bindingOf } from './bindings/load.js'
import type { ManagedPool } from './client/managed-pool.js'
import type { IntMode } from './client/types.js'
import type { SqliteConnection } from './connection.js'
import { SqliteDriver } from './driver.js'
import { endpointOf, type SqliteEndpointConfig } from './endpoint.js'
import { type DatabaseStatus, statusOf } from './health/database-status.js'
import { quickCheck } from './health/quick-check.js'
import { type WalPinnedEvent, WalWatch } from './health/wal-watch.js'
import type { Location } from './location/location.js'
import { describeLease } from './locks/describe-holder.js'
import { registerHolders } from './locks/holders-of-process.js'
import {
  OWN_OPTIONS,
  type ResolvedSqliteOptions,
  resolveOptions,
  SQLITE_OPTIONS,
  type SqliteManagerOptions,
} from './options.js'

const READERS = 'readers'

/** Makes the pools that {@link SqliteConnectionManager.pool} and `replica` return: `ManagedPool.of`. */
type PoolOf = (manager: SqliteConnectionManager, target: Target) => ManagedPool

/**
 * A {@link ConnectionManager} of one SQLite database: one connection that writes, lent to one caller at a time, and some
 * that only read. `primary` leads to the writer, `standby` and `prefer-standby` to the readers. A database in memory has
 * one connection for everything.
 */
export class SqliteConnectionManager extends ConnectionManager<SqliteConnection> {
  readonly library: SqliteLibrary
  /** @internal */
  readonly intMode: IntMode
  readonly #location: Location
  readonly #driver: SqliteDriver
  readonly #walWatch: WalWatch | undefined
  readonly #unregister: () => void
  readonly #poolOf: PoolOf
  #pool: ManagedPool | undefined
  #replica: ManagedPool | undefined

  /**
   * @internal Use `createConnectionManager`.
   * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
   */
  constructor(options: SqliteManagerOptions, poolOf: PoolOf) {
    checkManagerOptions(options, SQLITE_OPTIONS)
    const resolved = resolveOptions(options)
    const { location, readers, busyTimeoutMs, walLimitBytes } = resolved
    const { library, clock } = options
    const binding = bindingOf(library)
    const driver = new SqliteDriver({ binding, busyTimeoutMs, clock })
    super({
      driver,
      endpoints: endpointsOf(resolved),
      options: {
        ...engineOptions(options),
        ...(location.isFile
          ? { poolSize: Math.max(1, readers), maxOverflow: 0 }
          : { poolMode: 'static' as const }),
      },
    })
    this.library = binding.library
    this.intMode = resolved.intMode
    this.#poolOf = poolOf
    this.#location = location
    this.#driver = driver
    this.#unregister = location.isFile
      ? registerHolders(location.path, {
          writers: () => this.#holders('writers'),
          readers: () => this.#holders('readers'),
        })
      : () => {}
    if (location.isFile && !resolved.readOnly && resolved.journalMode === 'wal')
      this.#walWatch = new WalWatch({
        clock: this.clock,
        path: location.path,
        limitBytes: walLimitBytes,
        checkpoint: () => this.checkpoint(),
        pinners: () => this.#snapshotHolders(),
        onPinned: (pinned) => this.#walPinned(pinned),
      })
    this.on('connectionCreated', () => this.#walWatch?.start())
  }

  /** libSQL's `Client` over the writer, with reads on the readers, for every library that takes one. */
  get pool(): ManagedPool {
    this.#pool ??= this.#poolOf(this, 'primary')
    return this.#pool
  }

  /** The same over the readers alone: it refuses to write. */
  get replica(): ManagedPool {
    this.#replica ??= this.#poolOf(this, 'prefer-standby')
    return this.#replica
  }

  /**
   * How the database is now: sizes of the file and of its write-ahead log, who holds the writer, who holds a snapshot that
   * keeps the log from shrinking, in this process and in others.
   */
  async getDatabaseStatus(): Promise<DatabaseStatus> {
    return this.use(
      (connection) =>
        statusOf(connection, this.#location, this.library, {
          writers: this.#holders('writers'),
          snapshots: this.#snapshotHolders(),
        }),
      { target: 'prefer-standby', label: 'getDatabaseStatus' },
    )
  }

  /**
   * Moves what is in the write-ahead log into the database, as far as no reader needs the log (`wal_checkpoint(PASSIVE)`).
   * Waits for the writer like every caller.
   *
   * @returns the frames in the log, and how many of them are in the database now
   */
  async checkpoint(): Promise<{ readonly frames: number; readonly checkpointed: number }> {
    return this.use(
      async (connection) => {
        const row = await connection.get<{ log: number; checkpointed: number }>(
          'PRAGMA wal_checkpoint(PASSIVE)',
        )
        return { frames: row?.log ?? 0, checkpointed: row?.checkpointed ?? 0 }
      },
      { label: 'checkpoint' },
    )
  }

  /**
   * Looks for damage (`quick_check`), on a thread of its own, so that the event loop goes on: it reads the whole file. A
   * database in memory is checked by its connection.
   *
   * @returns what is wrong; empty if nothing is
   */
  async quickCheck(): Promise<string[]> {
    if (this.#location.isFile) return quickCheck(this.library, this.#location.path)
    const rows = await this.use((connection) => connection.all('PRAGMA quick_check'), {
      label: 'quickCheck',
    })
    return rows.map((row) => String(Object.values(row)[0])).filter((problem) => problem !== 'ok')
  }

  protected override cleanUp(): void {
    this.#walWatch?.stop()
    this.#unregister()
  }

  #walPinned(pinned: Omit<WalPinnedEvent, keyof DriverEvent>): void {
    const { walBytes, holders, processes } = pinned
    const who = [
      ...holders.slice(0, 3).map((each) => `in this process by ${describeLease(each)}`),
      ...processes.map(
        ({ pid, program }) => `by process ${pid}${program === undefined ? '' : ` (${program})`}`,
      ),
    ]
    const megabytes = (walBytes / 1024 / 1024).toFixed(1)
    this.emit({
      type: 'walPinned',
      pool: this.name,
      endpoint: this.#location.id,
      level: 'warn',
      message: `the write-ahead log of ${this.#location.id} has ${megabytes} MB and cannot be emptied, as a snapshot is held ${who.join('; ') || 'by another process'}`,
      ...pinned,
    })
  }

  #holders(kind: 'writers' | 'readers'): LeaseReport[] {
    return this.getHolders().filter(
      ({ endpoint }) => endpoint.endsWith(`#${READERS}`) === (kind === 'readers'),
    )
  }

  #snapshotHolders(): LeaseReport[] {
    const withSnapshot = this.#driver.leasesWithSnapshot
    return this.getHolders().filter(({ leaseId }) => withSnapshot.has(leaseId))
  }
}

function engineOptions(options: SqliteManagerOptions): object {
  const own: ReadonlySet<string> = new Set(OWN_OPTIONS)
  return Object.fromEntries(Object.entries(options).filter(([name]) => !own.has(name)))
}

function endpointsOf(resolved: ResolvedSqliteOptions): Endpoint[] {
  const { location, readers, readOnly, journalMode, synchronous, pragmas, walLimitBytes } = resolved
  const config: SqliteEndpointConfig = {
    location,
    readOnly,
    readOnlyDatabase: readOnly,
    journalMode: location.isFile ? journalMode : undefined,
    synchronous,
    // The log is cut back to this size once it was checkpointed as a whole.
    pragmas: { journal_size_limit: walLimitBytes, ...pragmas },
  }
  const alone = { poolSize: 1, maxOverflow: 0 }
  if (!location.isFile) return [endpointOf(location.id, config)]
  // Without a role, as it serves those who read as well.
  if (readers === 0) return [endpointOf(location.id, config, { size: alone, capacity: 1 })]
  const reading = { role: 'standby', size: { poolSize: readers, maxOverflow: 0 } } as const
  return [
    endpointOf(location.id, config, { role: 'primary', size: alone, capacity: 1 }),
    endpointOf(`${location.id}#${READERS}`, { ...config, readOnly: true }, reading),
  ]
}
