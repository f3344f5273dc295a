import { type FunctionReference, InvalidOptionError, runWithOrigin } from '@connmgr/core'
import type { PgConnectionManager, PgManagerOptions } from '@connmgr/pg'
import { ConnectionManagerAdapter, connectionManagerAdapter } from './adapter.js'
import type { Managed, PrismaClientClass, PrismaClientLike } from './client-types.js'

type Transact = (...args: unknown[]) => Promise<unknown>
type Maker =
  | PrismaClientClass<PrismaClientLike>
  | ((adapter: ConnectionManagerAdapter) => PrismaClientLike)

/**
 * A PrismaClient whose connections connmgr manages, with the manager as `$connections`.
 *
 * Give it the generated class, or a function that makes the client if it needs options of its own:
 * `withConnectionManager((adapter) => new PrismaClient({ adapter, log: ['query'] }), options)`. A client that was
 * made with `connectionManagerAdapter(...)` may be given too.
 *
 * `$disconnect()` closes a manager that was made from options, and leaves one that was passed in alone.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * const prisma = withConnectionManager(PrismaClient, { databaseUrl, poolSize: 5, maxOverflow: 10 })
 * await prisma.user.findMany()
 * console.log(prisma.$connections.getPoolMetrics())
 */
// The function comes first: a parameter whose type is to be inferred takes it from the first overload that is tried.
export function withConnectionManager<P extends PrismaClientLike>(
  makeClient: (adapter: ConnectionManagerAdapter) => P,
  manager?: PgConnectionManager | PgManagerOptions,
): Managed<P>
export function withConnectionManager<P extends PrismaClientLike>(
  Client: PrismaClientClass<P>,
  manager?: PgConnectionManager | PgManagerOptions,
): Managed<P>
export function withConnectionManager<P extends PrismaClientLike>(client: P): Managed<P>
export function withConnectionManager(
  client: Maker | PrismaClientLike,
  manager?: PgConnectionManager | PgManagerOptions,
): unknown {
  if (typeof client !== 'function') return adopt(client, manager)
  const adapter = connectionManagerAdapter(manager)
  return extend(make(client, adapter), adapter.manager)
}

function make(maker: Maker, adapter: ConnectionManagerAdapter): PrismaClientLike {
  // A generated client is a class; what has no $connect on its prototype is a function that makes one.
  const isClass =
    typeof (maker.prototype as Partial<PrismaClientLike> | undefined)?.$connect === 'function'
  if (isClass) return new (maker as PrismaClientClass<PrismaClientLike>)({ adapter })
  const client = (maker as (adapter: ConnectionManagerAdapter) => PrismaClientLike)(adapter)
  if (adapterOf(client) !== adapter) throw notManaged('the function did not pass its adapter on')
  return client
}

function adopt(
  client: PrismaClientLike,
  manager: PgConnectionManager | PgManagerOptions | undefined,
): unknown {
  const adapter = adapterOf(client)
  if (adapter === undefined)
    throw notManaged('this client has an adapter of its own, which cannot be replaced')
  if (manager !== undefined && manager !== adapter.manager) {
    throw notManaged('this client has a manager already; leave the second argument out')
  }
  return extend(client, adapter.manager)
}

function notManaged(why: string): InvalidOptionError {
  return new InvalidOptionError(
    'client',
    `${why}; write withConnectionManager(PrismaClient, options), or ` +
      'withConnectionManager((adapter) => new PrismaClient({ adapter, ... }), options)',
  )
}

/** Our adapter in a client, undefined if it has another. Prisma keeps it out of its declared surface. */
function adapterOf(client: PrismaClientLike): ConnectionManagerAdapter | undefined {
  const { _engineConfig } = client as { _engineConfig?: { adapter?: unknown } }
  const adapter = _engineConfig?.adapter
  return adapter instanceof ConnectionManagerAdapter ? adapter : undefined
}

function extend(client: PrismaClientLike, manager: PgConnectionManager): unknown {
  const { $transaction } = client as unknown as { $transaction: Transact }
  const leaksTracked = manager.getLeakStats().enabled
  /**
   * Prisma asks for the connection of a transaction deep in its engine, where no stack leads back to the caller; so
   * the caller is noted here, for leak reports. The call itself is passed on to whichever client it was made on, so
   * that extensions stay in force inside the transaction.
   */
  function transaction(this: unknown, ...args: unknown[]): Promise<unknown> {
    const run = (): Promise<unknown> => $transaction.apply(this, args)
    return leaksTracked ? runWithOrigin(transaction as FunctionReference, run) : run()
  }
  return client.$extends({
    name: 'connmgr',
    client: { $connections: manager, $transaction: transaction },
  })
}
