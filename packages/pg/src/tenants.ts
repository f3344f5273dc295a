import {
  type Lease,
  type ManagerAcquireOptions,
  runWithContext,
  type TenantId,
  type TenantLimits,
  Tenants,
  type TransactionOptions,
  type TransactionReplayOptions,
  type UnitReplayOptions,
} from '@connmgr/core'
import { type FunctionReference, runWithOrigin } from '@connmgr/core/driver'
import type { Client } from 'pg'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'
import type { PgManagerOptions } from './manager-options.js'

/** Options of {@link createTenants}. */
export interface PgTenantsOptions<Id extends TenantId> extends TenantLimits {
  /**
   * The options of a tenant's manager, called when it is first used. What it throws or rejects with goes to who has asked,
   * and is asked anew next time. Tenants on one server share its monitoring if they log in as the same role with the same
   * settings; give them the same functions then (`password`, `Client`), not new ones for each.
   */
  readonly resolve: (id: Id) => PgManagerOptions | Promise<PgManagerOptions>
}

/** What {@link createTenants} makes: managers by tenants. */
export class PgTenants<Id extends TenantId> extends Tenants<
  Id,
  PgConnectionManager,
  PgManagerOptions
> {
  /** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
  constructor(options: PgTenantsOptions<Id>) {
    super({
      ...options,
      create: (given, defaults) => createConnectionManager({ ...defaults, ...given }),
    })
  }

  /**
   * Lends a connection of a tenant to `work` and takes it back whatever happens: `use` of the tenant's manager.
   *
   * @throws PoolClosedError `CONNMGR_POOL_CLOSED`; whatever `resolve` throws; and all that `use` of a manager throws
   *
   * @example
   * const { rows } = await tenants.use('acme', (client) => client.query('select * from orders'))
   */
  use<T>(
    id: Id,
    work: (client: Client, lease: Lease<Client>, attempt: number) => Promise<T> | T,
    options: ManagerAcquireOptions & UnitReplayOptions<NoInfer<T>> = {},
  ): Promise<T> {
    return this.#from(this.use, () =>
      this.run(id, (manager) => manager.use(onItsOwn(work), options)),
    )
  }

  /** Runs `work` in a transaction of a tenant: `transaction` of the tenant's manager, with the same errors. */
  transaction<T>(
    id: Id,
    work: (client: Client, lease: Lease<Client>, attempt: number) => Promise<T>,
    options: ManagerAcquireOptions & TransactionOptions & TransactionReplayOptions = {},
  ): Promise<T> {
    return this.#from(this.transaction, () =>
      this.run(id, (manager) => manager.transaction(onItsOwn(work), options)),
    )
  }

  /** Reports of leaks are to name the caller, whose stack has gone by the time that a manager is there. */
  #from<T>(method: FunctionReference, work: () => Promise<T>): Promise<T> {
    return runWithOrigin(method, work)
  }
}

/** What the work acquires itself is not acquired in the name of its starter. */
function onItsOwn<A extends readonly unknown[], R>(work: (...given: A) => R): (...given: A) => R {
  return (...given) => runWithContext({ origin: undefined }, () => work(...given))
}

/**
 * A manager for each tenant, made when it is first used and closed when it has not been for a while.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * const tenants = createTenants({
 *   resolve: async (id: string) => ({ databaseUrl: await urlOf(id), poolSize: 2, maxOverflow: 3 }),
 *   maxTenants: 500,
 *   maxConnections: 100,
 *   idleMs: 300_000,
 * })
 * await tenants.use('acme', (client) => client.query('select now()'))
 * const db = drizzle({ client: (await tenants.get('acme')).pool })
 */
export function createTenants<Id extends TenantId = string>(
  options: PgTenantsOptions<Id>,
): PgTenants<Id> {
  return new PgTenants(options)
}
