import { CALL_RULES, checkCall } from './config/calls.js'
import { invalid, type NumberRules, requireFunction, resolveNumbers } from './config/rules.js'
import { rejectUnknownOptions } from './config/unknown-options.js'
import { PoolClosedError } from './errors.js'
import { outside } from './flow/outside.js'
import { type Budget, ConnectionBudget } from './pool/connection-budget.js'
import { uncounted } from './process/siblings.js'
import { every } from './process/ticks.js'
import { type Clock, systemClock } from './time/clock.js'

/** Names a tenant. */
export type TenantId = string | number

/** What {@link Tenants} need of a manager. */
export interface TenantManager {
  readonly closed: boolean
  getCounts(target: 'any'): { readonly inUse: number; readonly waiting: number }
  close(options?: { drainTimeoutMs?: number }): Promise<void>
}

/** Options of {@link Tenants}, whatever the database. Times are in milliseconds. */
export interface TenantLimits {
  /**
   * Managers that are kept. With more, those that have not been used for longest are closed. Managers in use never are: with
   * more than so many in use at once there are more, for as long as that lasts. `@default` 1000
   */
  readonly maxTenants?: number
  /**
   * Connections of all tenants together, open, being opened or being closed, besides the limits of each tenant. Who waits for
   * one is served in turn, and idle connections of other tenants make room. 0 for no limit. `@default` 0
   */
  readonly maxConnections?: number
  /** A limit that others share too, instead of `maxConnections`. */
  readonly budget?: Budget
  /** A manager that has not been used for so long is closed. 0 for never. `@default` 600_000 */
  readonly idleMs?: number
  /** How long work that is under way may take to end when a manager is closed. `@default` 10_000 */
  readonly drainTimeoutMs?: number
  /** For tests. `@default` the clock of the process */
  readonly clock?: Clock
}

/** What {@link Tenants} are made of. Packages of databases fill this in. */
export interface TenantsConfig<Id extends TenantId, M, O> extends TenantLimits {
  /** The options of a tenant's manager. What it throws or rejects with goes to who has asked, and is asked anew next time. */
  readonly resolve: (id: Id) => O | Promise<O>
  /** Makes the manager of one tenant. */
  readonly create: (
    options: O,
    defaults: { readonly name: string; readonly budget: Budget | undefined },
  ) => M
}

const NUMBERS = {
  maxTenants: { fallback: 1000, min: 1, max: 1_000_000 },
  maxConnections: { fallback: 0, min: 0, max: 100_000, zeroIsOff: true },
  idleMs: { fallback: 600_000, min: 0, zeroIsOff: true },
  drainTimeoutMs: { fallback: 10_000, min: 0 },
} as const satisfies NumberRules

/** Names of the options of {@link TenantLimits}, for packages that offer them. */
export const TENANT_OPTION_NAMES: readonly string[] = [
  ...Object.keys(NUMBERS),
  'resolve',
  'budget',
  'clock',
]

const CLOSE = { drainTimeoutMs: CALL_RULES.milliseconds }
/** Those that have been idle for too long are looked for so often in `idleMs`. */
const LOOKS = 4
const LONGEST_TICK_MS = 60_000

/** The manager of one tenant. */
class Tenant<M extends TenantManager> {
  manager: M | undefined
  /** Units of work under way. */
  users = 0
  usedAt: number

  constructor(
    readonly id: TenantId,
    readonly made: Promise<M>,
    now: number,
  ) {
    this.usedAt = now
  }

  /** Never while it is being made: a caller has just asked for it. */
  get isIdle(): boolean {
    if (this.users > 0 || this.manager === undefined) return false
    const { inUse, waiting } = this.manager.getCounts('any')
    return inUse === 0 && waiting === 0
  }
}

/**
 * A manager for each tenant, made when it is first used and closed when it has not been for a while, with one limit on the
 * connections of all. Managers of one server share its monitoring, so that an idle tenant costs little more than memory.
 */
export class Tenants<Id extends TenantId, M extends TenantManager, O> {
  readonly #config: TenantsConfig<Id, M, O>
  readonly #maxTenants: number
  readonly #idleMs: number
  readonly #drainTimeoutMs: number
  readonly #clock: Clock
  /** The limit on the connections of all tenants, if there is one. */
  readonly budget: Budget | undefined
  /** The one that was used least lately first. */
  readonly #tenants = new Map<TenantId, Tenant<M>>()
  readonly #leaving = new Set<Promise<unknown>>()
  readonly #stopLooking: (() => void) | undefined
  #closing: Promise<void> | undefined

  /** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
  constructor(config: TenantsConfig<Id, M, O>) {
    const { create: _, ...options } = config
    rejectUnknownOptions(options, TENANT_OPTION_NAMES, 'the options of createTenants')
    requireFunction('resolve', config.resolve)
    if (config.resolve === undefined)
      throw invalid('resolve', undefined, 'a function from the id of a tenant to its options')
    const numbers = resolveNumbers('', options, NUMBERS, {})
    if (config.budget !== undefined && options.maxConnections !== undefined)
      throw invalid(
        'maxConnections',
        options.maxConnections,
        'left out beside budget, which has it',
      )
    this.#config = config
    this.#maxTenants = numbers.maxTenants
    this.#idleMs = numbers.idleMs
    this.#drainTimeoutMs = numbers.drainTimeoutMs
    this.#clock = config.clock ?? systemClock
    this.budget =
      config.budget ??
      (Number.isFinite(numbers.maxConnections)
        ? new ConnectionBudget({ maxConnections: numbers.maxConnections })
        : undefined)
    if (Number.isFinite(this.#idleMs)) {
      const tickMs = Math.min(LONGEST_TICK_MS, Math.max(1, this.#idleMs / LOOKS))
      this.#stopLooking = every(this.#clock, tickMs, () => this.#closeIdle())
    }
  }

  /** Managers that there are now. */
  get size(): number {
    return this.#tenants.size
  }

  /** Ids of the tenants that have a manager now, the one that was used least lately first. */
  get ids(): Id[] {
    return [...this.#tenants.keys()] as Id[]
  }

  get closed(): boolean {
    return this.#closing !== undefined
  }

  /**
   * The manager of a tenant, which is made if there is none. It may be closed once nothing of it is in use, so ask for it each
   * time rather than keep it; `run` keeps it for as long as some work lasts.
   *
   * @throws PoolClosedError `CONNMGR_POOL_CLOSED` after `close()`; and whatever `resolve` throws
   */
  async get(id: Id): Promise<M> {
    return this.#tenant(id).made
  }

  /**
   * Runs `work` with the manager of a tenant, which stays open until the work has ended.
   *
   * @throws PoolClosedError `CONNMGR_POOL_CLOSED` after `close()`; and whatever `resolve` and `work` throw
   */
  async run<T>(id: Id, work: (manager: M) => Promise<T> | T): Promise<T> {
    const tenant = this.#tenant(id)
    tenant.users += 1
    try {
      // At once if that is possible, so that the caller is still on the stack for reports of leaks.
      return await work(tenant.manager ?? (await tenant.made))
    } finally {
      tenant.users -= 1
      tenant.usedAt = this.#clock.now()
      this.#closeSurplus()
    }
  }

  /** Closes the manager of one tenant, for example because it is gone or its options have changed. False if there is none. */
  async remove(id: Id): Promise<boolean> {
    const tenant = this.#tenants.get(id)
    if (tenant === undefined) return false
    await this.#retire(tenant)
    return true
  }

  /** Closes all managers, as each one's `close` does, and makes no more. A second call returns the same promise. */
  close(options: { drainTimeoutMs?: number } = {}): Promise<void> {
    try {
      checkCall('close', options, CLOSE)
    } catch (error) {
      return Promise.reject(error)
    }
    this.#closing ??= this.#close(options.drainTimeoutMs ?? this.#drainTimeoutMs)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #tenant(id: Id): Tenant<M> {
    if (typeof id !== 'string' && typeof id !== 'number')
      throw invalid('id', id, 'a string or a number that names a tenant')
    if (this.#closing !== undefined) throw new PoolClosedError(`tenant ${id}`)
    const known = this.#tenants.get(id)
    // A caller that had its manager may have closed it.
    const tenant = known === undefined || known.manager?.closed === true ? this.#make(id) : known
    tenant.usedAt = this.#clock.now()
    this.#tenants.delete(id)
    this.#tenants.set(id, tenant)
    this.#closeSurplus(tenant)
    return tenant
  }

  #make(id: Id): Tenant<M> {
    const tenant: Tenant<M> = new Tenant(id, this.#create(id), this.#clock.now())
    tenant.made.then(
      (manager) => {
        tenant.manager = manager
      },
      () => {
        // The next who asks tries again.
        if (this.#tenants.get(id) === tenant) this.#tenants.delete(id)
      },
    )
    return tenant
  }

  /** What it starts belongs to no request. */
  #create(id: Id): Promise<M> {
    const { create, resolve } = this.#config
    return outside(async () => {
      const options = await resolve(id)
      // Those that wait for it get the error, and nothing is left open.
      if (this.#closing !== undefined) throw new PoolClosedError(`tenant ${id}`)
      return uncounted(() => create(options, { name: `tenant ${id}`, budget: this.budget }))
    })
  }

  #closeIdle(): void {
    const since = this.#clock.now() - this.#idleMs
    for (const tenant of [...this.#tenants.values()]) {
      if (!tenant.isIdle) {
        if (tenant.manager !== undefined) tenant.usedAt = this.#clock.now()
      } else if (tenant.usedAt <= since) void this.#retire(tenant)
    }
  }

  #closeSurplus(except?: Tenant<M>): void {
    let surplus = this.#tenants.size - this.#maxTenants
    if (surplus <= 0) return
    for (const tenant of [...this.#tenants.values()]) {
      if (surplus <= 0) return
      if (tenant === except || !tenant.isIdle) continue
      void this.#retire(tenant)
      surplus -= 1
    }
  }

  #retire(tenant: Tenant<M>, drainTimeoutMs = this.#drainTimeoutMs): Promise<void> {
    if (this.#tenants.get(tenant.id) === tenant) this.#tenants.delete(tenant.id)
    const closed = tenant.made
      .then(
        (manager) => manager.close({ drainTimeoutMs }),
        // The caller that asked for it already has the reason why there is none.
        () => {},
      )
      .finally(() => this.#leaving.delete(closed))
    this.#leaving.add(closed)
    return closed
  }

  async #close(drainTimeoutMs: number): Promise<void> {
    this.#stopLooking?.()
    for (const tenant of [...this.#tenants.values()]) void this.#retire(tenant, drainTimeoutMs)
    await Promise.all(this.#leaving)
  }
}
