import type { FunctionReference } from '@connmgr/core/driver'
import { ManagedPool, type PgConnectionManager } from '@connmgr/pg'
import pg, { type PoolClient } from 'pg'
import type { PostgresDataSourceOptions } from '../managed-types.js'
import type { ManagerOwnership } from '../manager-ownership.js'
import { patientClient } from './patient-client.js'

type ConnectCallback = (
  error: Error | undefined,
  client: PoolClient | undefined,
  release: (error?: Error | boolean) => void,
) => void

/**
 * The pools that TypeORM opens. It tries each out, and ends them all in `destroy()`; but when a try fails, it abandons what
 * it has opened.
 */
class PgPools {
  readonly #ownership: ManagerOwnership<PgConnectionManager>
  readonly #slaves: number
  readonly #firstClients = new WeakMap<ManagedPool, PoolClient>()
  #opened = 0

  constructor(ownership: ManagerOwnership<PgConnectionManager>, slaves: number) {
    this.#ownership = ownership
    this.#slaves = slaves
  }

  /** Stands for `new Pool(...)`. TypeORM opens the pools of the slaves first, and then that of the master. */
  openPool(): ManagedPool {
    const target = this.#opened < this.#slaves ? 'prefer-standby' : 'primary'
    this.#opened = target === 'primary' ? 0 : this.#opened + 1
    const pool = ManagedPool.of(this.#ownership.manager, target)
    this.#ownership.poolOpened()
    this.#followConnects(pool)
    this.#followEnd(pool)
    return pool
  }

  /** A pool whose first connection fails is never ended by TypeORM, nor are those opened beside it. */
  #followConnects(pool: ManagedPool): void {
    let tried = false
    const connect = (callback?: ConnectCallback): Promise<PoolClient> | undefined => {
      const below = connect as FunctionReference
      if (callback === undefined) return pool.connectFor(below)
      const first = !tried
      tried = true
      // A query runner takes a client for every statement. The first try is to find the server.
      const connecting = first ? pool.connectFor(below) : pool.connectLate(below)
      if (first) this.#rememberFirstClient(pool)
      // Called outside of the promise, so that what the callback throws is not taken for a failed connect.
      connecting.then(
        (client) => {
          const patient = patientClient(client)
          const given = first ? this.#listeningForAll(pool, patient) : patient
          process.nextTick(callback, undefined, given, client.release)
        },
        async (error: Error) => {
          // A caller that waits beside it has its connections for nothing.
          if (first) await this.#abandon()
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
      const ending = end().then(() => this.#ownership.poolEnded())
      if (callback === undefined) return ending
      ending.then(() => callback(), callback)
      return undefined
    }) as ManagedPool['end']
  }

  async #abandon(): Promise<void> {
    this.#opened = 0
    await this.#ownership.abandon({ drainTimeoutMs: 0 })
  }
}

/** node-postgres as TypeORM is to see it. Without `native`, which TypeORM would prefer to our pool. */
export function managedPg(
  ownership: ManagerOwnership<PgConnectionManager>,
  { replication }: PostgresDataSourceOptions,
): object {
  const pools = new PgPools(ownership, replication?.slaves.length ?? 0)
  // A function that returns an object: `new` then gives that object.
  function Pool(): ManagedPool {
    return pools.openPool()
  }
  return { ...pg, Pool }
}
