import type { PgConnectionManager } from '@connmgr/pg'
import type { Types } from '@prisma/client/runtime/client'
import type { ConnectionManagerAdapter } from './adapter.js'

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
type Extension = Types.Extensions.InternalArgs<
  Record<never, never>,
  Record<never, never>,
  Record<never, never>,
  { $connections: PgConnectionManager }
>

/**
 * A PrismaClient with `$connections`. It is what Prisma's own `$extends` would give, so that models, `select`
 * inference and further `$extends` keep their types.
 */
export type Managed<P extends PrismaClientLike> =
  P['$extends'] extends Types.Extensions.ExtendsHook<
    'extends',
    infer TypeMapCb,
    infer ExtArgs,
    infer TypeMap
  >
    ? Types.Extensions.DynamicClientExtensionThis<
        Types.Utils.Call<
          TypeMapCb,
          { extArgs: Types.Extensions.MergeExtArgs<TypeMap, ExtArgs, Extension> }
        >,
        TypeMapCb,
        Types.Extensions.MergeExtArgs<TypeMap, ExtArgs, Extension>
      >
    : P & { readonly $connections: PgConnectionManager }
