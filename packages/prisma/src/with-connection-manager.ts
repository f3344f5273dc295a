import { InvalidOptionError, runWithContext } from '@connmgr/core'
import { type FunctionReference, runWithOrigin } from '@connmgr/core/driver'
import type { MysqlConnectionManager } from '@connmgr/mysql'
import type { PgConnectionManager, PgManagerOptions } from '@connmgr/pg'
import type { SqliteConnectionManager } from '@connmgr/sqlite'
import { ConnectionManagerAdapter } from './adapter.js'
import { readEachByItself } from './batching.js'
import type { AnyConnectionManager, AnyManagerOptions } from './bindings/binding.js'
import type { Managed, PrismaClientClass, PrismaClientLike } from './client-types.js'
import type { OptionsOfMysql, OptionsOfSqlite } from './manager-types.js'
import { nameCallers } from './named-callers.js'
import { keepContexts } from './request-contexts.js'

type OfPostgres = PgConnectionManager | PgManagerOptions
type OfMysql = MysqlConnectionManager | OptionsOfMysql
type OfSqlite = SqliteConnectionManager | OptionsOfSqlite
/** What an interactive transaction does. */
type Work = (tx: unknown) => unknown
type Maker =
  | PrismaClientClass<PrismaClientLike>
  | ((adapter: ConnectionManagerAdapter) => PrismaClientLike)

/** What is used here of a generated client. */
interface GeneratedClient {
  $disconnect(): Promise<void>
  $transaction(...args: unknown[]): Promise<unknown>
  readonly [MANAGED]?: true
}

/** Marks a client that is managed already; what `$extends` makes of it inherits the mark. */
const MANAGED = Symbol.for('@connmgr/prisma managed client')

/**
 * A PrismaClient whose connections connmgr manages, with the manager as `$connections`.
 *
 * Give it the generated class or a subclass that hands its options on to `super`, or a function that makes the client
 * if that takes options of its own (`log`, `omit`):
 * `withConnectionManager((adapter) => new PrismaClient({ adapter, log: ['query'] }), options)`. A client that was made
 * with `connectionManagerAdapter(...)` may be given too, `this` in the constructor of a subclass for example; beside it
 * its manager may be given, for the type of `$connections` if that is not PostgreSQL's.
 *
 * The database is that of the manager, or the one that the scheme of the URL names.
 *
 * The client is what the class or function has made, an `instanceof` its class too. `$disconnect()` closes a manager
 * that was made from options, and the next use makes a new one; a manager that was passed in it leaves alone.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`, also for a client that was made with another adapter
 *
 * @example
 * const prisma = withConnectionManager(PrismaClient, { databaseUrl, poolSize: 5, maxOverflow: 10 })
 * await prisma.user.findMany()
 * console.log(prisma.$connections.getPoolMetrics())
 */
// Functions come first: a parameter whose type is to be inferred takes it from the first overload that is tried.
export function withConnectionManager<P extends PrismaClientLike>(
  makeClient: (adapter: ConnectionManagerAdapter) => P,
  manager: OfSqlite,
): Managed<P, SqliteConnectionManager>
export function withConnectionManager<P extends PrismaClientLike>(
  makeClient: (adapter: ConnectionManagerAdapter) => P,
  manager: OfMysql,
): Managed<P, MysqlConnectionManager>
export function withConnectionManager<P extends PrismaClientLike>(
  makeClient: (adapter: ConnectionManagerAdapter) => P,
  manager?: OfPostgres,
): Managed<P>
export function withConnectionManager<P extends PrismaClientLike>(
  Client: PrismaClientClass<P>,
  manager: OfSqlite,
): Managed<P, SqliteConnectionManager>
export function withConnectionManager<P extends PrismaClientLike>(
  Client: PrismaClientClass<P>,
  manager: OfMysql,
): Managed<P, MysqlConnectionManager>
export function withConnectionManager<P extends PrismaClientLike>(
  Client: PrismaClientClass<P>,
  manager?: OfPostgres,
): Managed<P>
export function withConnectionManager<
  P extends PrismaClientLike,
  M extends AnyConnectionManager = PgConnectionManager,
>(client: P, manager?: M): Managed<P, M>
export function withConnectionManager(
  client: Maker | PrismaClientLike,
  manager?: AnyConnectionManager | AnyManagerOptions,
): unknown {
  if (typeof client !== 'function') return manage(client, adopt(client, manager))
  const adapter = new ConnectionManagerAdapter(manager ?? {}, {})
  try {
    return manage(make(client, adapter), adapter)
  } catch (error) {
    void adapter.release()
    throw error
  }
}

function make(maker: Maker, adapter: ConnectionManagerAdapter): PrismaClientLike {
  // A generated client is a class; what has no $connect on its prototype is a function that makes one.
  const isClass =
    typeof (maker.prototype as Partial<PrismaClientLike> | undefined)?.$connect === 'function'
  const client = isClass
    ? new (maker as PrismaClientClass<PrismaClientLike>)({ adapter })
    : (maker as (adapter: ConnectionManagerAdapter) => PrismaClientLike)(adapter)
  if (adapterOf(client) === adapter) return client
  throw notManaged(
    isClass
      ? `the constructor of ${maker.name} did not hand the option "adapter" on to super(); if it makes an adapter itself, ` +
          `write withConnectionManager(new ${maker.name}())`
      : 'the function did not pass its adapter on',
  )
}

function adopt(
  client: PrismaClientLike,
  manager: AnyConnectionManager | AnyManagerOptions | undefined,
): ConnectionManagerAdapter {
  const adapter = adapterOf(client)
  if (adapter === undefined)
    throw notManaged('this client has an adapter of its own, which cannot be replaced')
  if (manager !== undefined && manager !== adapter.manager)
    throw notManaged('this client has a manager already; leave the second argument out')
  return adapter
}

function notManaged(why: string): InvalidOptionError {
  return new InvalidOptionError(
    'client',
    `${why}; write withConnectionManager(PrismaClient, options), or ` +
      'withConnectionManager((adapter) => new PrismaClient({ adapter, ... }), options)',
  )
}

/** Our adapter in a client, undefined if it has another. Prisma keeps it out of its declared surface. */
function adapterOf(client: unknown): ConnectionManagerAdapter | undefined {
  const { _engineConfig } = (client ?? {}) as { _engineConfig?: { adapter?: unknown } }
  const adapter = _engineConfig?.adapter
  return adapter instanceof ConnectionManagerAdapter ? adapter : undefined
}

function manage(client: PrismaClientLike, adapter: ConnectionManagerAdapter): unknown {
  // On the original rather than by $extends, whose result is no PrismaClient, and has no $on. What $extends makes of a
  // client inherits from the original.
  const original = originalOf(client) as GeneratedClient
  if (original[MANAGED]) return client
  if (adapter.manager.preparesLeases) readEachByItself(original)
  const { $disconnect, $transaction } = original
  const watching = (): boolean => adapter.manager.queries.active
  const leaksTracked = adapter.manager.getLeakStats().enabled

  /**
   * Prisma asks for the connection of a transaction deep in its engine, where no stack leads back to a caller who has
   * not awaited it; so the caller is noted here, for leak reports and observers. The call itself is passed on to whichever client it
   * was made on, so that later extensions stay in force inside the transaction.
   */
  function transaction(this: unknown, work: unknown, ...options: unknown[]): Promise<unknown> {
    if (!leaksTracked && !watching()) return $transaction.call(this, work, ...options)
    return runWithOrigin(transaction as FunctionReference, () =>
      $transaction.call(
        this,
        typeof work === 'function' ? onItsOwn(work as Work) : work,
        ...options,
      ),
    )
  }

  /**
   * Prisma tells the adapter only if it has connected, and after the last transaction has ended; a manager that is
   * ours to close is closed in any case, within its deadline.
   */
  async function disconnect(this: unknown): Promise<void> {
    await Promise.all([$disconnect.apply(this), adapter.release()])
  }

  const hidden = { configurable: true, enumerable: false }
  Object.defineProperties(original, {
    [MANAGED]: { ...hidden, value: true },
    $connections: { ...hidden, get: () => adapter.manager },
    $transaction: { ...hidden, value: transaction, writable: true },
    $disconnect: { ...hidden, value: disconnect, writable: true },
  })
  nameCallers(original, watching)
  keepContexts(original, watching)
  recognizeInstances(original)
  return client
}

/**
 * Has `instanceof` tell the truth about managed clients. A client of Prisma is a proxy that hides its class, so that
 * `new PrismaClient() instanceof PrismaClient` is false; the object behind the proxy knows it.
 */
function recognizeInstances(original: object): void {
  const generated = rootClassOf(original)
  if (generated === undefined || Object.hasOwn(generated, Symbol.hasInstance)) return
  const ordinary = Function.prototype[Symbol.hasInstance]
  function hasInstance(this: unknown, value: unknown): boolean {
    if (ordinary.call(this as FunctionReference, value)) return true
    return (
      adapterOf(value) !== undefined && ordinary.call(this as FunctionReference, originalOf(value))
    )
  }
  Object.defineProperty(generated, Symbol.hasInstance, { value: hasInstance, configurable: true })
}

/** The client behind the proxies, from before any `$extends`. Prisma keeps it out of its declared surface. */
function originalOf(client: unknown): object {
  const { _originalClient } = client as { _originalClient?: object }
  return _originalClient ?? (client as object)
}

/** The generated class, whose subclasses inherit what is defined on it. */
function rootClassOf(original: object): object | undefined {
  const parent: object | null = Object.getPrototypeOf(original)
  if (parent === null || parent === Object.prototype) return undefined
  return rootClassOf(parent) ?? parent.constructor
}

/** `work`, which may acquire connections of its own: those are not the transaction's, so they do not get its origin. */
function onItsOwn(work: Work): Work {
  return (tx) => runWithContext({ origin: undefined }, () => work(tx))
}
