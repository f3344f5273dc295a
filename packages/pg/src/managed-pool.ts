import type { Lease, ManagerAcquireOptions, PoolCounts, ReplayOptions, Target } from '@connmgr/core'
import {
  CALL_RULES,
  checkCall,
  currentEffects,
  describeEvent,
  type FunctionReference,
  outside,
  printAsJson,
  type StatementTrace,
  unnoted,
} from '@connmgr/core/driver'
import type { Client, PoolClient, PoolConfig, QueryResult, QueryResultRow } from 'pg'
import pg from 'pg'
import type { AbortableQuery } from './aborted-query.js'
import { PgConnectionManager } from './connection-manager.js'
import { hideProperties, hideSecretOptions } from './hidden-options.js'
import { showServer, showSettings } from './live-options.js'
import { textOf } from './outcome/in-flight.js'
import { blueprintOf, type ManagedPoolConfig } from './pool-config.js'
import { diedOnTheWay, type Lender, PoolQuery } from './pool-query.js'
import { type QueryReplay, replayOptionsOf } from './query-options.js'
import { settingUpClient } from './session-changes.js'
import { Lanes, type LanesSource } from './shared/lanes.js'
import { lateClient } from './shared/late-client.js'
import type { LateHost } from './shared/late-session.js'
import { isAtomic } from './statement-text.js'

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
const PgPool = pg.Pool as unknown as new (config?: PoolConfig) => Omit<pg.Pool, Replaced>

const NOTHING = (): void => {}
const ENDED = 'Cannot use a pool after calling end on the pool'
const LANE_LABEL = 'shared lane'

/** A query that is run again by itself if it has failed without effect, or that ends when its signal fires. */
export interface ReplayableQuery<I extends unknown[] = unknown[]>
  extends AbortableQuery<I>,
    ReplayOptions {}

/** What one `connect` of a pool may be told. */
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
  /** Clients that this pool has lent and that still live, by the id of their connection. */
  readonly #known = new Map<number, Client>()
  readonly #lent = new Set<Client>()
  readonly #wanted: ManagerAcquireOptions
  readonly #lender: Lender
  readonly #lanes: Lanes | undefined
  readonly #lateHost: LateHost | undefined

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
    this.#lender = this.#createLender()
    this.#lanes = this.#createLanes()
    this.#lateHost = this.#createLateHost(this.#lanes)
    this.#forwardEvents(config.log)
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
    const late = this.$connections.sharing?.options.lateBinding !== false && this.#lateClient()
    return this.#adopt(late ? Promise.resolve(late) : this.#checkOut(below))
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
    const { total, connecting } = this.#counts
    return total + connecting
  }

  get idleCount(): number {
    return this.#counts.idle
  }

  /** What `JSON.stringify`, `console.log` and loggers show of a pool. */
  toJSON(): object {
    return { target: this.#target, ...this.$connections.toJSON() }
  }

  /** Callers that wait for others to be done. As with pg-pool, those are not counted for whom a connection is under way. */
  get waitingCount(): number {
    const { waiting, connecting, testing } = this.#counts
    return Math.max(0, waiting - connecting - testing)
  }

  /** Always 0: a connection past its lifetime is never kept. */
  get expiredCount(): number {
    return 0
  }

  get #counts(): PoolCounts {
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
    let options: QueryReplay | undefined
    try {
      options = replayOptionsOf(text, this.$connections.replayStatements)
    } catch (error) {
      return Promise.reject(error)
    }
    if (options === undefined) return this.#queryOnce(text, values, below)
    const sql = textOf(text)
    let attempts = 0
    return this.$connections.replayStatement(
      () => {
        attempts += 1
        return this.#queryOnce(text, values, below, attempts > 1)
      },
      options,
      sql !== undefined && isAtomic(sql),
    )
  }

  /** @param again for another attempt at it */
  #queryOnce(
    text: unknown,
    values: unknown,
    below: FunctionReference,
    again = false,
  ): Promise<QueryResult> {
    const { queries } = this.$connections
    if (!queries.active) return this.#run(text, values, below, again)
    const trace = queries.begin(textOf(text))
    return trace.run(() => this.#run(text, values, below, again, trace))
  }

  #run(
    text: unknown,
    values: unknown,
    below: FunctionReference,
    again: boolean,
    trace?: StatementTrace,
  ): Promise<QueryResult> {
    return new Promise((resolve, reject) => {
      const query = new PoolQuery(
        this.#lender,
        this.#wanted,
        text,
        values,
        below,
        resolve,
        reject,
        again,
        trace,
      )
      // Whose reads must see their own writes needs a connection that was chosen for them; and whoever comes after the end
      // is to be refused one.
      const { closed, inSession } = this.$connections
      query.start(inSession || closed ? undefined : this.#lanes)
    })
  }

  async #checkOut(below: FunctionReference, options?: ConnectOptions): Promise<PoolClient> {
    if (this.ending) throw new Error(ENDED)
    if (options !== undefined) checkCall('connect', options, CALL_RULES.connect)
    else if (this.$connections.sharing?.options.lateBinding === true) {
      const late = this.#lateClient()
      if (late !== undefined) return late
    }
    return this.#borrow(
      below,
      options === undefined ? this.#wanted : { ...options, ...this.#wanted },
    )
  }

  /**
   * A client without a connection yet; undefined where it matters which one that is, or what is done when one is lent: for
   * work that may be run again, whose reads must see their own writes, on standbys, and with listeners to what is lent.
   */
  #lateClient(): PoolClient | undefined {
    const host = this.#lateHost
    const { closed, inSession } = this.$connections
    if (host === undefined || closed || inSession || this.ending || this.#target !== 'primary')
      return undefined
    if (currentEffects() !== undefined || this.listenerCount('acquire') > 0) return undefined
    return lateClient(this.$connections.driver.clientPrototype, host)
  }

  async #borrow(below: FunctionReference, wanted: ManagerAcquireOptions): Promise<PoolClient> {
    let lease = await this.$connections.lend(wanted, below)
    for (let attempt = 1; diedOnTheWay(lease, attempt); attempt += 1) {
      lease.destroy()
      lease = await this.$connections.lend(wanted, below, true)
    }
    const client = lease.connection as PoolClient
    client.release = this.#releaseOnce(lease, this.#lend(lease))
    return client
  }

  /** Follows a connection from when it is lent. */
  #lend(lease: Lease<Client>): Client {
    const { connectionId, entry } = lease
    const { connection: client } = entry
    this.#lent.add(client)
    if (!this.#known.has(connectionId)) {
      this.#known.set(connectionId, client)
      // Of a connection that was detached the manager tells no end; of all others it has told before this.
      client.once('end', () => {
        if (this.#known.delete(connectionId)) this.#tell('remove', client)
      })
      // What a listener makes for the connection lives as long as that, not as long as the flow of its first borrower.
      // Without one, asynchronous tracking, for which each promise of the process pays, is not begun.
      if (this.listenerCount('connect') > 0)
        outside(() => settingUpClient(client, () => this.#tell('connect', client)))
    }
    this.#tell('acquire', client)
    return client
  }

  #takeBack(lease: Lease<Client>, client: Client, error?: Error | boolean): void {
    this.#lent.delete(client)
    this.#tell('release', error, client)
    if (error) lease.destroy(error === true ? undefined : error)
    else lease.release()
  }

  /** As `emit`, but a listener that fails, at once or later, harms neither the others nor the lease. */
  #tell(event: 'connect' | 'acquire' | 'release' | 'remove' | 'error', ...args: unknown[]): void {
    if (this.listenerCount(event) === 0) return
    const failed = (error: unknown): void => this.$connections.listenerFailed(event, error)
    for (const listener of this.rawListeners(event)) {
      try {
        Promise.resolve(Reflect.apply(listener, this, args)).catch(failed)
      } catch (error) {
        failed(error)
      }
    }
  }

  #releaseOnce(lease: Lease<Client>, client: Client): PoolClient['release'] {
    let released = false
    return (error) => {
      if (released)
        throw new Error('Release called on client which has already been released to the pool.')
      released = true
      this.#takeBack(lease, client, error)
    }
  }

  #createLender(): Lender {
    return {
      acquire: (wanted, below, again) => this.$connections.lend(wanted, below, again),
      lend: (lease) => this.#lend(lease),
      takeBack: (lease, client, error) => this.#takeBack(lease, client, error),
      catalogs: this.$connections.driver.catalogs,
    }
  }

  #createLanes(): Lanes | undefined {
    const { sharing } = this.$connections
    if (sharing === undefined) return undefined
    const wanted = { target: this.#target, label: LANE_LABEL }
    const { driver } = this.$connections
    const source: LanesSource = {
      ...this.#lender,
      wanted,
      counts: () => this.#counts,
      catalogOf: (client) => driver.catalogOf(client),
    }
    const lanes = new Lanes(source, sharing)
    // A server that was left, or connections that were invalidated, get no more queries.
    this.$connections.on('poolCleared', () => lanes.retire())
    return lanes
  }

  #createLateHost(lanes: Lanes | undefined): LateHost | undefined {
    if (lanes === undefined) return undefined
    const { $connections } = this
    return {
      get lanes() {
        return $connections.closed ? undefined : lanes
      },
      queries: $connections.queries,
      // Lent when no work that may be run again was under way.
      borrow: (below, timeoutMs) =>
        unnoted(() =>
          this.#borrow(
            below,
            timeoutMs === undefined ? this.#wanted : { ...this.#wanted, timeoutMs },
          ),
        ),
    }
  }

  async #end(): Promise<void> {
    if (this.ending) throw new Error('Called end on pool more than once')
    // pg.Pool declares them read-only to others.
    const self = this as { ending: boolean; ended: boolean }
    self.ending = true
    if (this.#owned) await this.$connections.close()
    self.ended = true
  }

  #forwardEvents(log: PoolConfig['log']): void {
    this.$connections.on('connectionClosed', ({ connectionId, reason, error }) => {
      const client = this.#known.get(connectionId)
      if (client === undefined) return
      this.#known.delete(connectionId)
      // As with pg.Pool, 'error' is about idle clients; the holder of one gets the error from its query.
      if (reason === 'lost' && !this.#lent.has(client)) {
        const lost =
          this.$connections.driver.troubleOf(client) ??
          new Error(error?.message ?? 'Connection terminated unexpectedly')
        // As pg-pool attaches it, but out of sight: who prints the error does not print the client.
        hideProperties(Object.assign(lost, { client }), ['client'])
        this.#tell('error', lost, client)
      }
      this.#lent.delete(client)
      this.#tell('remove', client)
    })
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
