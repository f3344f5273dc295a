import type { Lease, ManagerAcquireOptions, PoolCounts, Target } from '@connmgr/core'
import { type FunctionReference, type Lent, outside, printAsJson } from '@connmgr/core/driver'
import mysql2, {
  type Connection,
  type FieldPacket,
  type Pool,
  type PoolConnection,
  type Query,
  type QueryError,
  type QueryResult,
} from 'mysql2'
import type { Pool as PromisePool } from 'mysql2/promise'
import { MysqlConnectionManager } from '../connection-manager.js'
import type { Command } from '../internals.js'
import { settingUpConnection } from '../session-changes.js'
import { signalOf } from './abort-signal.js'
import { blueprintOf, type ManagedPoolConfig } from './pool-config.js'
import { type Answer, createQuery, type Lender, PoolExecute, PoolQuery } from './pool-query.js'
import { type PoolStatementOptions, PoolStatements } from './pool-statements.js'
import { PooledConnection } from './pooled-connection.js'
import { ManagedPromisePool } from './promise-pool.js'
import { shownConfig, showQueues } from './shown-config.js'
import { tellListeners } from './tell-listeners.js'

type ConnectionCallback = Parameters<Pool['getConnection']>[0]
type PoolEvent = 'acquire' | 'connection' | 'enqueue' | 'release' | 'remove'

/** How a facade of an existing manager is made; a symbol, so that no configuration can hold it by accident. */
const FACADE = Symbol('facade of a manager')
interface Facade {
  readonly [FACADE]: { readonly manager: MysqlConnectionManager; readonly target: Target }
}

/** What is implemented anew below; seen without it, so that its overloads need not be spelled out again. */
type Replaced = 'end' | 'execute' | 'getConnection' | 'promise' | 'query' | 'releaseConnection'
/** Untyped by mysql2, though it exports them. */
const { Pool: MysqlPool } = mysql2 as unknown as {
  Pool: new (options: { config: object }) => Omit<Pool, Replaced>
}

const CLOSED = 'Pool is closed.'
const NONE_FREE = 'No connections available.'

type Send = <T extends QueryResult>(
  options: PoolStatementOptions,
  callback: (error: QueryError | null, result: T, fields: FieldPacket[]) => void,
) => Query
type SendByPromise = <T extends QueryResult>(
  options: PoolStatementOptions,
) => Promise<[T, FieldPacket[]]>

export interface ManagedPool {
  /**
   * As mysql2's `pool.query`. With `replay: 'safe'` in its options a statement that has failed without effect is run again,
   * on whichever server takes writes then; with a `signal` it ends when that fires. What answers by events, because it has
   * no callback, is never repeated.
   */
  query: Pool['query'] & Send
  /** As mysql2's `pool.execute`, with the same `replay` and `signal`. */
  execute: Pool['execute'] & Send
}

/**
 * A pool of mysql2 whose connections come from the engine. Replace `mysql2.createPool(config)` by `new ManagedPool(config)`:
 * the same options, methods and events, and no more of its harm: dead connections are not lent, waiting has a deadline, a
 * connection that comes back dirty is not lent on, what is kept after its release is refused, and a server that has become
 * read-only is left.
 *
 * `new ManagedPool` makes a manager of its own, closed by `end()`. `manager.pool` and `manager.replica` are facades of a
 * manager that others may use too: their `end()` closes the facade alone.
 *
 * @example
 * const pool = new ManagedPool({ uri: process.env.DATABASE_URL, connectionLimit: 20 })
 * const [rows] = await pool.promise().query('select ? as answer', [42])
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the static block defines what the interface declares
export class ManagedPool extends MysqlPool {
  static {
    printAsJson(ManagedPool.prototype)
    const define = (
      name: string,
      value: (this: ManagedPool, ...args: unknown[]) => unknown,
    ): void => {
      Object.defineProperty(ManagedPool.prototype, name, {
        value,
        configurable: true,
        writable: true,
      })
    }
    define('query', function query(sql, values, callback) {
      return this.#query(sql, values, callback)
    })
    define('execute', function execute(sql, values, callback) {
      return this.#execute(sql, values, callback)
    })
  }

  /** The manager behind this pool: metrics, leaks, health and failover. */
  readonly $connections: MysqlConnectionManager
  readonly #target: Target
  readonly #owned: boolean
  readonly #waits: boolean
  readonly #Promise: PromiseConstructor
  /** Connections that this pool has lent and that still live, by their id. */
  readonly #known = new Map<number, Connection>()
  readonly #wanted: ManagerAcquireOptions
  readonly #lender: Lender
  readonly #statements: PoolStatements
  #ending: Promise<void> | undefined

  /** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
  constructor(config: ManagedPoolConfig | string = {}) {
    const facade = (config as Partial<Facade>)[FACADE]
    const blueprint = facade === undefined ? blueprintOf(config) : undefined
    const manager =
      facade?.manager ??
      new MysqlConnectionManager(
        blueprint?.endpoints ?? [],
        blueprint?.options ?? {},
        ManagedPool.of,
      )
    super({ config: shownConfig(manager) })
    this.$connections = manager
    // One facade may serve any number of ORM clients, each of which listens to it.
    this.setMaxListeners(0)
    this.#target = facade?.target ?? 'primary'
    this.#wanted = { target: this.#target }
    this.#owned = facade === undefined
    this.#waits = blueprint?.waits ?? true
    this.#Promise = blueprint?.Promise ?? Promise
    this.#lender = this.#createLender()
    this.#statements = new PoolStatements(manager, this.#lender)
    showQueues(this, () => this.#counts())
    manager.on('connectionClosed', ({ connectionId }) => {
      const connection = this.#known.get(connectionId)
      if (connection !== undefined && this.#known.delete(connectionId))
        this.#tell('remove', connection)
    })
  }

  /** The facade of a manager for one target. */
  static of(manager: MysqlConnectionManager, target: Target): ManagedPool {
    return new ManagedPool({ [FACADE]: { manager, target } } as unknown as ManagedPoolConfig)
  }

  /** Borrows a connection, which `connection.release()` gives back, once. */
  getConnection(callback: ConnectionCallback): void {
    this.#take(
      ManagedPool.prototype.getConnection as FunctionReference,
      // In a turn of its own: what it throws is the caller's, and no rejection.
      (connection) => process.nextTick(callback, null, connection),
      (error) => process.nextTick(callback as (error: unknown) => void, error),
    )
  }

  /** `getConnection` for adapters: leak reports begin above `below`, the function that the user called. */
  borrow(below: FunctionReference): Promise<PoolConnection> {
    return new Promise((resolve, reject) => this.#take(below, resolve, reject))
  }

  releaseConnection(connection: { release(): void }): void {
    connection.release()
  }

  /** The same pool by promises. */
  promise(
    chosen: PromiseConstructor = this.#Promise,
  ): PromisePool & { readonly query: SendByPromise; readonly execute: SendByPromise } {
    return new ManagedPromisePool(this, chosen) as never
  }

  /** Closes the manager if this pool made it; a facade of a shared manager closes for its own users only. */
  end(callback?: (error: NodeJS.ErrnoException | null) => void): void {
    this.#end().then(
      () => callback && process.nextTick(callback, null),
      (error: NodeJS.ErrnoException) => callback && process.nextTick(callback, error),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end()
  }

  /** What `JSON.stringify`, `console.log` and loggers show of a pool. */
  toJSON(): object {
    return { target: this.#target, ...this.$connections.toJSON() }
  }

  #counts(): PoolCounts {
    return this.$connections.getCounts(this.#target)
  }

  /** @internal Runs one statement, and calls `answer` with how it has ended. Leak reports begin above `below`. */
  send(
    kind: 'execute' | 'query',
    sql: unknown,
    values: unknown,
    below: FunctionReference,
    answer: Answer,
  ): void {
    const signal = signalOf(sql)
    const options = this.#statementOptions()
    const statement =
      kind === 'execute'
        ? new PoolExecute(this.#lender, below, signal, sql, values)
        : new PoolQuery(
            this.#lender,
            below,
            signal,
            createQuery(sql, values, answer, options),
            sql,
            values,
            options,
          )
    this.#statements.run(sql, statement, answer)
  }

  /** With a callback, or by events without one, as `mysql2.createQuery` reads its arguments. */
  #query(sql: unknown, values: unknown, callback: unknown): Command {
    const options = this.#statementOptions()
    const query = createQuery(sql, values, callback, options)
    const below = this.query as FunctionReference
    const { onResult } = query
    if (onResult === undefined) this.#statements.stream(query, sql, below)
    else {
      const given = typeof values === 'function' ? undefined : values
      const signal = signalOf(sql)
      this.#statements.run(
        sql,
        new PoolQuery(this.#lender, below, signal, query, sql, given, options),
        onResult,
      )
    }
    return query
  }

  #statementOptions(): object {
    return (this as unknown as { config: { connectionConfig: object } }).config.connectionConfig
  }

  #execute(sql: unknown, values: unknown, callback: unknown): void {
    const answer = (typeof values === 'function' ? values : callback) as Answer | undefined
    const given = typeof values === 'function' ? undefined : values
    this.send('execute', sql, given, this.execute as FunctionReference, answer ?? (() => {}))
  }

  /** Lends a connection that lives. */
  #take(
    below: FunctionReference,
    resolve: (connection: PoolConnection) => void,
    reject: (error: unknown) => void,
    attempt = 1,
  ): void {
    const take = (lease: Lease<Connection>): void => {
      if (attempt === MOST_ATTEMPTS || !this.#lender.isDead(lease.entry.connection)) {
        resolve(this.#handOut(lease))
        return
      }
      lease.destroy()
      this.#take(below, resolve, reject, attempt + 1)
    }
    const lent = this.#acquire(this.#wanted, below, attempt > 1)
    if (lent instanceof Promise) lent.then(take, reject)
    else take(lent)
  }

  #acquire(
    wanted: ManagerAcquireOptions,
    below: FunctionReference,
    again: boolean,
  ): Lent<Connection> {
    if (this.#ending !== undefined) return Promise.reject(new Error(CLOSED))
    if (this.#waits && this.listenerCount('enqueue') === 0)
      return this.$connections.lendSoon(wanted, below, again)
    const before = this.#counts()
    if (!this.#waits && before.idle === 0 && before.total + before.connecting >= before.limit)
      return Promise.reject(new Error(NONE_FREE))
    const lending = this.$connections.lendSoon(wanted, below, again)
    if (waitingIn(this.#counts()) > waitingIn(before)) this.#tell('enqueue')
    return lending
  }

  #handOut(lease: Lease<Connection>): PoolConnection {
    this.#lender.lend(lease)
    const handle = new PooledConnection(lease, this.#lender)
    return lease.handOut(handle as unknown as PoolConnection)
  }

  /** Follows a connection from when it is lent. */
  #lend(lease: Lease<Connection>): Connection {
    const { connectionId, entry } = lease
    const { connection } = entry
    if (!this.#known.has(connectionId)) {
      this.#known.set(connectionId, connection)
      // What a listener makes for the connection lives as long as that, not as long as the flow of its first borrower.
      if (this.listenerCount('connection') > 0)
        outside(() => settingUpConnection(connection, () => this.#tell('connection', connection)))
    }
    this.#tell('acquire', connection)
    return connection
  }

  #createLender(): Lender {
    return {
      queries: this.$connections.queries,
      acquire: (below, again, signal) =>
        this.#acquire(
          signal === undefined ? this.#wanted : { ...this.#wanted, signal },
          below,
          again,
        ),
      lend: (lease) => this.#lend(lease),
      takeBack: (lease, connection) => {
        this.#tell('release', connection)
        lease.release()
      },
      destroy: (lease, connection) => {
        if (lease.active) this.#tell('release', connection)
        lease.destroy()
      },
      isDead: (connection) => this.$connections.driver.inspect(connection) === 'broken',
    }
  }

  #tell(event: PoolEvent, ...args: unknown[]): void {
    if (this.listenerCount(event) > 0)
      tellListeners(this, event, args, (error) => this.$connections.listenerFailed(event, error))
  }

  #end(): Promise<void> {
    // Read by mysql2's own promise form.
    ;(this as { _closed?: boolean })._closed = true
    this.#ending ??= this.#owned ? this.$connections.close() : Promise.resolve()
    return this.#ending
  }
}

/** Of connections that die between being lent and reaching the caller; the last one goes to the caller as it is. */
const MOST_ATTEMPTS = 3

/** Callers that wait for others to be done; not those for whom a connection is under way. */
function waitingIn({ connecting, testing, waiting }: PoolCounts): number {
  return Math.max(0, waiting - connecting - testing)
}
