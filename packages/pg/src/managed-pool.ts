import type { ManagerAcquireOptions, PoolCounts, ReplayOptions, Target } from '@connmgr/core'
import {
  CALL_RULES,
  checkCall,
  describeEvent,
  type FunctionReference,
  printAsJson,
} from '@connmgr/core/driver'
import type pg from 'pg'
import type { PoolClient, PoolConfig, QueryResult, QueryResultRow } from 'pg'
import type { AbortableQuery } from './aborted-query.js'
import { PgConnectionManager } from './connection-manager.js'
import { hideSecretOptions } from './hidden-options.js'
import { LentClients } from './lent-clients.js'
import { showServer, showSettings } from './live-options.js'
import { nodePostgres } from './node-postgres.js'
import { blueprintOf, type ManagedPoolConfig } from './pool-config.js'
import { PoolQueries } from './pool-queries.js'
import { PoolSharing } from './shared/pool-sharing.js'

type QueryCallback = (error: Error | undefined, result?: QueryResult) => void
type ConnectCallback = (
  error: Error | undefined,
  client: PoolClient | undefined,
  done: (release?: Error | boolean) => void,
) => void

/** How a facade of an existing manager is made; a symbol, so that no configuration can hold it by accident. */
const FACADE = Symbol('facade of a manager')
interface Facade {
  readonly [FACADE]: { readonly manager: PgConnectionManager; readonly target: Target }
}

/** What is implemented anew below; seen without it, so that its overloads need not be spelled out again. */
type Replaced =
  | 'connect'
  | 'query'
  | 'end'
  | 'totalCount'
  | 'idleCount'
  | 'waitingCount'
  | 'expiredCount'
const PgPool = nodePostgres.Pool as unknown as new (config?: PoolConfig) => Omit<pg.Pool, Replaced>

const NOTHING = (): void => {}
const ENDED = 'Cannot use a pool after calling end on the pool'

/** A query that is run again by itself if it has failed without effect, or that ends when its signal fires. */
export interface ReplayableQuery<I extends unknown[] = unknown[]>
  extends AbortableQuery<I>,
    ReplayOptions {}

/** Options of one `connect` of a pool. */
export type ConnectOptions = Pick<
  ManagerAcquireOptions,
  'context' | 'label' | 'longLived' | 'signal' | 'timeoutMs'
>

export interface ManagedPool {
  /**
   * As `pg.Pool.query`. A SQL error does not cost the connection. With `replay: 'safe'` in its config a statement that
   * has failed without effect is run again, on whichever server is the primary then, until `deadlineMs`. With a `signal`
   * it is cancelled on the server when that fires.
   */
  query: pg.Pool['query'] & QueryWithReplay
}

type QueryWithReplay = <R extends QueryResultRow = QueryResultRow, I extends unknown[] = unknown[]>(
  query: ReplayableQuery<I>,
) => Promise<QueryResult<R>>

/**
 * A `pg.Pool` whose connections come from the engine. Replace `new pg.Pool(config)` by `new ManagedPool(config)`:
 * the same options, methods and events, and no more of its harm: a dead client does not end the process, a SQL error
 * costs no connection, a client that comes back dirty is not lent on, and `end()` settles even if a client leaked.
 *
 * `new ManagedPool` makes a manager of its own, closed by `end()`. `manager.pool` and `manager.replica` are facades
 * of a manager that others may use too: their `end()` closes the facade alone.
 *
 * @example
 * const pool = new ManagedPool({ connectionString: process.env.DATABASE_URL, max: 20 })
 * const { rows } = await pool.query('select $1::int as answer', [42])
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the static block defines what the interface declares
export class ManagedPool extends PgPool {
  static {
    printAsJson(ManagedPool.prototype)
    Object.defineProperty(ManagedPool.prototype, 'query', {
      value: function query(
        this: ManagedPool,
        text: unknown,
        values?: unknown,
        callback?: QueryCallback,
      ): unknown {
        return this.#startQuery(text, values, callback)
      },
      configurable: true,
      writable: true,
    })
  }

  /** The manager behind this pool: metrics, leaks, health and failover. */
  readonly $connections: PgConnectionManager
  readonly #target: Target
  readonly #owned: boolean
  readonly #wanted: ManagerAcquireOptions
  readonly #clients: LentClients
  readonly #sharing: PoolSharing | undefined
  readonly #queries: PoolQueries

  /** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
  constructor(config: ManagedPoolConfig = {}) {
    const facade = (config as Partial<Facade>)[FACADE]
    super(facade === undefined ? (config as PoolConfig) : {})
    // One facade may serve any number of ORM clients, each of which listens to it.
    this.setMaxListeners(0)
    if (facade === undefined) {
      const { endpoints, options, Client, clientOptions } = blueprintOf(config)
      this.$connections = new PgConnectionManager(endpoints, options, {
        poolOf: ManagedPool.of,
        Client,
        clientOptions,
      })
    } else this.$connections = facade.manager
    showServer(this.options, this.$connections)
    hideSecretOptions(this.options)
    showSettings(this.options, this.$connections)
    this.#target = facade?.target ?? 'primary'
    this.#wanted = { target: this.#target }
    this.#owned = facade === undefined
    this.#clients = new LentClients(this, this.$connections)
    this.#sharing = this.#share()
    this.#queries = new PoolQueries(this.$connections, this.#clients, this.#sharing, this.#wanted)
    this.#log(config.log)
  }

  /** The facade of a manager for one target. */
  static of(manager: PgConnectionManager, target: Target): ManagedPool {
    return new ManagedPool({ [FACADE]: { manager, target } } as unknown as ManagedPoolConfig)
  }

  connect(options?: ConnectOptions): Promise<PoolClient>
  connect(callback: ConnectCallback): void
  connect(given?: ConnectCallback | ConnectOptions): Promise<PoolClient> | undefined {
    const below = ManagedPool.prototype.connect as FunctionReference
    if (typeof given !== 'function') return this.#adopt(this.#checkOut(below, given))
    const callback = given
    const connecting = this.#checkOut(below)
    // Called outside of the promise, so that what the callback throws is not taken for a failed connect.
    connecting.then(
      (client) => process.nextTick(callback, undefined, client, client.release),
      (error: Error) => process.nextTick(callback, error, undefined, NOTHING),
    )
    return undefined
  }

  /** `connect` for adapters: leak reports begin above `below`, the function that the user called. */
  connectFor(below: FunctionReference): Promise<PoolClient> {
    return this.#adopt(this.#checkOut(below))
  }

  /**
   * The same for an adapter that takes a client for every statement, and knows what is done with it. With the option
   * `shared` the client borrows its connection when the first statement needs one, unless `shared.lateBinding` is false.
   */
  connectLate(below: FunctionReference): Promise<PoolClient> {
    const late = this.#lateBinding() === false ? undefined : this.#sharing?.lateClient()
    return this.#adopt(late === undefined ? this.#checkOut(below) : Promise.resolve(late))
  }

  /** Closes the manager if this pool made it; a facade of a shared manager closes for its own users only. */
  end(): Promise<void>
  end(callback: (error?: Error) => void): void
  end(callback?: (error?: Error) => void): Promise<void> | undefined {
    const ending = this.#end()
    if (callback === undefined) return this.#adopt(ending)
    ending.then(
      () => process.nextTick(callback),
      (error: Error) => process.nextTick(callback, error),
    )
    return undefined
  }

  /** Open connections. */
  get totalCount(): number {
    const { total, connecting } = this.#counts()
    return total + connecting
  }

  get idleCount(): number {
    return this.#counts().idle
  }

  /** What `JSON.stringify`, `console.log` and loggers show of a pool. */
  toJSON(): object {
    return { target: this.#target, ...this.$connections.toJSON() }
  }

  /** Callers that wait for others to be done. As with pg-pool, those are not counted for whom a connection is under way. */
  get waitingCount(): number {
    const { waiting, connecting, testing } = this.#counts()
    return Math.max(0, waiting - connecting - testing)
  }

  /** Always 0: a connection past its lifetime is never kept. */
  get expiredCount(): number {
    return 0
  }

  #counts(): PoolCounts {
    return this.$connections.getCounts(this.#target)
  }

  #startQuery(text: unknown, values?: unknown, callback?: QueryCallback): unknown {
    if (typeof text === 'function') {
      return this.#settle(
        Promise.reject(
          new Error('Passing a function as the first parameter to pool.query is not supported'),
        ),
        text as QueryCallback,
      )
    }
    const below = this.query as FunctionReference
    if (typeof values === 'function')
      return this.#settle(this.#query(text, undefined, below), values as QueryCallback)
    return this.#settle(this.#query(text, values, below), callback)
  }

  #settle(
    result: Promise<QueryResult>,
    callback: QueryCallback | undefined,
  ): Promise<QueryResult> | undefined {
    if (callback === undefined) return this.#adopt(result)
    result.then(
      (value) => process.nextTick(callback, undefined, value),
      (error: Error) => process.nextTick(callback, error),
    )
    return undefined
  }

  #query(text: unknown, values: unknown, below: FunctionReference): Promise<QueryResult> {
    if (this.ending) return Promise.reject(new Error(ENDED))
    return this.#queries.run(text, values, below)
  }

  // Not asynchronous: what an asynchronous function returns of another takes three turns more to be passed on.
  #checkOut(below: FunctionReference, options?: ConnectOptions): Promise<PoolClient> {
    if (this.ending) return Promise.reject(new Error(ENDED))
    if (options !== undefined) return this.#checkOutBy(options, below)
    const late = this.#lateBinding() === true ? this.#sharing?.lateClient() : undefined
    return late === undefined ? this.#clients.borrow(below, this.#wanted) : Promise.resolve(late)
  }

  async #checkOutBy(options: ConnectOptions, below: FunctionReference): Promise<PoolClient> {
    checkCall('connect', options, CALL_RULES.connect)
    return this.#clients.borrow(below, { ...options, ...this.#wanted })
  }

  #lateBinding(): boolean | undefined {
    return this.$connections.sharing?.options.lateBinding
  }

  #share(): PoolSharing | undefined {
    const { sharing } = this.$connections
    if (sharing === undefined) return undefined
    const pool = this
    return new PoolSharing(
      {
        manager: this.$connections,
        clients: this.#clients,
        wanted: this.#wanted,
        get ending() {
          return pool.ending
        },
        get followsLending() {
          return pool.listenerCount('acquire') > 0
        },
        get counts() {
          return pool.#counts()
        },
      },
      sharing,
    )
  }

  async #end(): Promise<void> {
    if (this.ending) throw new Error('Called end on pool more than once')
    // pg.Pool declares them read-only to others.
    const self = this as { ending: boolean; ended: boolean }
    self.ending = true
    if (this.#owned) await this.$connections.close()
    self.ended = true
  }

  #log(log: PoolConfig['log']): void {
    if (log !== undefined)
      this.$connections.onAny((event) =>
        log(describeEvent(event, this.$connections.oneDatabase).message),
      )
  }

  /** `result` as a promise of the class that the `Promise` option names. */
  #adopt<T>(result: Promise<T>): Promise<T> {
    const { Promise: Chosen } = this as unknown as { Promise: PromiseConstructor }
    return Chosen === Promise
      ? result
      : new Chosen((resolve, reject) => result.then(resolve, reject))
  }
}
