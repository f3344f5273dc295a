import type { PgConnectionManager } from '@connmgr/pg'
import type { Types } from '@prisma/client/runtime/client'
import type { ConnectionManagerAdapter } from './adapter.js'
import type { AnyConnectionManager } from './bindings/binding.js'

/** The least that a PrismaClient has; each generated one has more. */
export interface PrismaClientLike {
  $connect(): Promise<void>
  $disconnect(): Promise<void>
  /** Has another, generic signature in each generated client. */
  readonly $extends: unknown
}

/** A generated `PrismaClient` class. */
export type PrismaClientClass<P extends PrismaClientLike> = new (options: {
  adapter: ConnectionManagerAdapter
}) => P

/** Our client extension, as Prisma's types describe an extension. */
type Extension<M> = Types.Extensions.InternalArgs<
  Record<never, never>,
  Record<never, never>,
  Record<never, never>,
  { $connections: M }
>

/**
 * A PrismaClient, or a subclass of it, with `$connections`. It is that client in all else; what `$extends` makes of it
 * has `$connections` too.
 */
// Its own $extends comes first: of two signatures TypeScript takes the first that fits.
export type Managed<
  P extends PrismaClientLike,
  M extends AnyConnectionManager = PgConnectionManager,
> = ManagedMembers<P, M> & P

interface ManagedMembers<P extends PrismaClientLike, M extends AnyConnectionManager> {
  /**
   * Metrics, leaks, health and failover. After `$disconnect()` a manager that was made from options is closed; once the
   * client is used again, there is a new one here.
   */
  readonly $connections: M
  readonly $extends: ManagedExtends<P['$extends'], M>
}

/**
 * `$extends` of a client that has our extension. A client of the generator `prisma-client-js` may have a copy of Prisma's
 * types of its own, which TypeScript cannot tell this of; `withConnectionManager(prisma.$extends(...))` gives the type.
 */
type ManagedExtends<E, M> =
  E extends Types.Extensions.ExtendsHook<'extends', infer TypeMapCb, infer ExtArgs, infer TypeMap>
    ? Types.Extensions.ExtendsHook<
        'extends',
        TypeMapCb,
        Types.Extensions.MergeExtArgs<TypeMap, ExtArgs, Extension<M>>,
        Types.Utils.Call<
          TypeMapCb,
          { extArgs: Types.Extensions.MergeExtArgs<TypeMap, ExtArgs, Extension<M>> }
        >
      >
    : E
