import type { EventEmitter } from 'node:events'
import type { ConnectionClosedEvent, Lease, ManagerAcquireOptions } from '@connmgr/core'
import { type FunctionReference, outside } from '@connmgr/core/driver'
import type { Client, PoolClient } from 'pg'
import type { Catalogs } from './catalog/catalog.js'
import type { PgConnectionManager } from './connection-manager.js'
import { hideProperties } from './hidden-options.js'
import { pooledClient } from './leased-client.js'
import { diedOnTheWay, type Lender } from './pool-query.js'
import { settingUpClient } from './session-changes.js'

type PoolEvent = 'connect' | 'acquire' | 'release' | 'remove' | 'error'

/**
 * A field, and no set of those that are lent: by what comes to a set and goes again all the time, much that is short-lived
 * becomes old to V8, and is collected late.
 */
interface KnownClient {
  readonly client: Client
  lent: boolean
}

/** The clients that one pool lends, from the lease to the client's end, with the events of `pg.Pool` about them. */
export class LentClients implements Lender {
  readonly #pool: EventEmitter
  readonly #manager: PgConnectionManager
  /** Clients that this pool has lent and that still live, by the id of their connection. */
  readonly #known = new Map<number, KnownClient>()

  /** @param pool emits the events */
  constructor(pool: EventEmitter, manager: PgConnectionManager) {
    this.#pool = pool
    this.#manager = manager
    manager.on('connectionClosed', (event) => this.#closed(event))
  }

  get catalogs(): Catalogs {
    return this.#manager.driver.catalogs
  }

  acquire(
    wanted: ManagerAcquireOptions,
    below: FunctionReference,
    again?: boolean,
  ): Promise<Lease<Client>> {
    return this.#manager.lend(wanted, below, again)
  }

  /** Acquires a client whose `release` ends its lease. */
  async borrow(below: FunctionReference, wanted: ManagerAcquireOptions): Promise<PoolClient> {
    let lease = await this.acquire(wanted, below)
    for (let attempt = 1; diedOnTheWay(lease, attempt); attempt += 1) {
      lease.destroy()
      lease = await this.acquire(wanted, below, true)
    }
    const client = this.lend(lease)
    return lease.handOut(pooledClient(client, lease, this.#releaseOnce(lease, client)))
  }

  lend(lease: Lease<Client>): Client {
    const { connectionId, entry } = lease
    const { connection: client } = entry
    const known = this.#known.get(connectionId)
    if (known !== undefined) known.lent = true
    else {
      this.#known.set(connectionId, { client, lent: true })
      // The manager reports the end of every connection but a detached one, and reports it before this.
      client.once('end', () => {
        if (this.#known.delete(connectionId)) this.#emit('remove', client)
      })
      // What a listener makes for the connection lives as long as that, not as long as the flow of its first borrower.
      // Without one, asynchronous tracking, for which each promise of the process pays, is not begun.
      if (this.#pool.listenerCount('connect') > 0)
        outside(() => settingUpClient(client, () => this.#emit('connect', client)))
    }
    this.#emit('acquire', client)
    return client
  }

  takeBack(lease: Lease<Client>, client: Client, error?: Error | boolean): void {
    const known = this.#known.get(lease.connectionId)
    if (known !== undefined) known.lent = false
    this.#emit('release', error, client)
    if (error) lease.destroy(error === true ? undefined : error)
    else lease.release()
  }

  #releaseOnce(lease: Lease<Client>, client: Client): PoolClient['release'] {
    let released = false
    return (error) => {
      if (released)
        throw new Error('Release called on client which has already been released to the pool.')
      released = true
      this.takeBack(lease, client, error)
    }
  }

  #closed({ connectionId, reason, error }: ConnectionClosedEvent): void {
    const known = this.#known.get(connectionId)
    if (known === undefined) return
    const { client, lent } = known
    this.#known.delete(connectionId)
    // As with pg.Pool, 'error' is about idle clients; the holder of one gets the error from its query.
    if (reason === 'lost' && !lent) {
      const lost =
        this.#manager.driver.troubleOf(client) ??
        new Error(error?.message ?? 'Connection terminated unexpectedly')
      // As pg-pool attaches it, but hidden: printing the error does not print the client.
      hideProperties(Object.assign(lost, { client }), ['client'])
      this.#emit('error', lost, client)
    }
    this.#emit('remove', client)
  }

  /** As `emit`, but a listener that fails, at once or later, harms neither the others nor the lease. */
  #emit(event: PoolEvent, ...args: unknown[]): void {
    if (this.#pool.listenerCount(event) === 0) return
    const failed = (error: unknown): void => this.#manager.listenerFailed(event, error)
    for (const listener of this.#pool.rawListeners(event)) {
      try {
        Promise.resolve(Reflect.apply(listener, this.#pool, args)).catch(failed)
      } catch (error) {
        failed(error)
      }
    }
  }
}
