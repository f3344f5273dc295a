import { type FunctionReference, registerErrors } from '@connmgr/core/driver'
import { ManagedPool, PgConnectionManager, type PgManagerOptions } from '@connmgr/pg'
import pg, { type PoolClient } from 'pg'
import { managerFor, type PostgresDataSourceOptions } from './connection-options.js'
import { TYPEORM_ERRORS } from './error-reader.js'
import { patientClient } from './patient-client.js'

type ConnectCallback = (
  error: Error | undefined,
  client: PoolClient | undefined,
  release: (error?: Error | boolean) => void,
) => void

const MANAGED = Symbol.for('@connmgr/typeorm managed driver')

/** What TypeORM calls its driver: node-postgres, with a pool that leads to a manager. */
export type ManagedDriver = typeof pg & { readonly [MANAGED]: ManagerLifecycle }

/**
 * Ties the life of a manager to that of a DataSource. TypeORM opens a pool for each slave and one for the master, tries
 * each out, and ends them all in `destroy()`; but when a try fails, it abandons what it has opened.
 */
export class ManagerLifecycle {
  readonly #dataSourceOptions: PostgresDataSourceOptions
  readonly #given: PgManagerOptions | PgConnectionManager
  #manager: PgConnectionManager | undefined
  readonly #firstClients = new WeakMap<ManagedPool, PoolClient>()
  #openPools = 0
  #opened = 0

  constructor(
    dataSourceOptions: PostgresDataSourceOptions,
    given: PgManagerOptions | PgConnectionManager,
  ) {
    this.#dataSourceOptions = dataSourceOptions
    this.#given = given
    // Made at once, so that a mistake in the options shows where they are written.
    this.#manager = this.#create()
  }

  /** The present manager. A DataSource that was destroyed and is used again gets a new one. */
  get manager(): PgConnectionManager {
    if (this.#manager === undefined || (this.#owned && this.#manager.closed))
      this.#manager = this.#create()
    return this.#manager
  }

  /** Stands for `new Pool(...)`. TypeORM opens the pools of the slaves first, and then that of the master. */
  openPool(): ManagedPool {
    const slaves = this.#dataSourceOptions.replication?.slaves.length ?? 0
    const target = this.#opened < slaves ? 'prefer-standby' : 'primary'
    this.#opened = target === 'primary' ? 0 : this.#opened + 1
    const pool = ManagedPool.of(this.manager, target)
    this.#openPools += 1
    this.#followConnects(pool)
    this.#followEnd(pool)
    return pool
  }

  get #owned(): boolean {
    return !(this.#given instanceof PgConnectionManager)
  }

  #create(): PgConnectionManager {
    return this.#given instanceof PgConnectionManager
      ? this.#given
      : managerFor(this.#dataSourceOptions, this.#given)
  }

  /** A pool whose first connection fails is never ended by TypeORM, nor are those opened beside it. */
  #followConnects(pool: ManagedPool): void {
    let tried = false
    const connect = (callback?: ConnectCallback): Promise<PoolClient> | undefined => {
      const connecting = pool.connectFor(connect as FunctionReference)
      if (callback === undefined) return connecting
      const first = !tried
      tried = true
      if (first) this.#rememberFirstClient(pool)
      // Called outside of the promise, so that what the callback throws is not taken for a failed connect.
      connecting.then(
        (client) => {
          const patient = patientClient(client)
          const given = first ? this.#listeningForAll(pool, patient) : patient
          process.nextTick(callback, undefined, given, client.release)
        },
        async (error: Error) => {
          // Whoever waits beside it has its connections for nothing.
          if (first) await this.#abandon({ drainTimeoutMs: 0 })
          process.nextTick(callback, error, undefined, () => {})
        },
      )
      return undefined
    }
    pool.connect = connect as ManagedPool['connect']
  }

  #rememberFirstClient(pool: ManagedPool): void {
    pool.once('acquire', (client) => this.#firstClients.set(pool, client))
  }

  /** What TypeORM listens to for `logNotifications` it adds to its first client alone; it is meant for all. */
  #listeningForAll(pool: ManagedPool, handle: PoolClient): PoolClient {
    const on = (event: string, listener: () => void): PoolClient => {
      this.#firstClients.get(pool)?.on(event as 'notice', listener)
      pool.on('connect', (client) => client.on(event as 'notice', listener))
      return handle
    }
    return Object.create(handle, { on: { value: on } })
  }

  #followEnd(pool: ManagedPool): void {
    const end: () => Promise<void> = ManagedPool.prototype.end.bind(pool)
    pool.end = ((callback?: (error?: Error) => void) => {
      const ending = end().then(() => this.#poolEnded())
      if (callback === undefined) return ending
      ending.then(() => callback(), callback)
      return undefined
    }) as ManagedPool['end']
  }

  async #poolEnded(): Promise<void> {
    this.#openPools -= 1
    if (this.#openPools <= 0) await this.#abandon()
  }

  async #abandon(options?: { drainTimeoutMs: number }): Promise<void> {
    this.#openPools = 0
    this.#opened = 0
    if (this.#owned) await this.#manager?.close(options)
  }
}

/** node-postgres as TypeORM is to see it. Without `native`, which TypeORM would prefer to our pool. */
export function managedDriver(lifecycle: ManagerLifecycle): ManagedDriver {
  registerErrors(TYPEORM_ERRORS)
  // A function that returns an object: `new` then gives that object.
  function Pool(): ManagedPool {
    return lifecycle.openPool()
  }
  return { ...pg, Pool, [MANAGED]: lifecycle } as unknown as ManagedDriver
}

/** The lifecycle behind a driver of ours, undefined for any other. */
export function lifecycleOf(driver: unknown): ManagerLifecycle | undefined {
  return (driver as Partial<ManagedDriver> | null | undefined)?.[MANAGED]
}
