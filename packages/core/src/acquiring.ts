import type { Assembly } from './assembly.js'
import type { ReadAcquireOptions, Reads } from './catch-up/reads.js'
import type { Cluster } from './cluster/cluster.js'
import type { Router } from './cluster/router.js'
import { type AcquireContext, acquireChannel, contextOf, isTraced } from './events/channels.js'
import type { FunctionReference } from './leaks/stack.js'
import type { Lifecycle } from './lifecycle.js'
import { AcquireRequest, type Lent } from './pool/acquire-request.js'
import type { Lease } from './pool/lease.js'
import type { Runtime } from './runtime.js'
import type { Target } from './vocabulary/target.js'
import { AcquireHook } from './work/acquire-hook.js'

/** What a caller may ask of one acquire. */
export interface ManagerAcquireOptions extends ReadAcquireOptions {
  /** `@default` 'primary' */
  readonly target?: Target
}

type Request = AcquireRequest<ManagerAcquireOptions>

/**
 * Where each acquire of a manager begins. It goes on to the router, or first to what a read must see, and from there to a
 * pool; `onAcquire` prepares the connection on its way back.
 */
export class Acquiring<C extends object> {
  readonly #runtime: Runtime
  readonly #acquireTimeoutMs: number
  readonly #cluster: Cluster<C>
  readonly #lifecycle: Lifecycle<C>
  readonly #reads: Reads<C>
  readonly #router: Router<C>
  readonly #hook: AcquireHook<C> | undefined

  constructor({ cluster, driver, lifecycle, options, reads, router, runtime }: Assembly<C>) {
    this.#runtime = runtime
    this.#acquireTimeoutMs = options.pool.acquireTimeoutMs
    this.#cluster = cluster
    this.#lifecycle = lifecycle
    this.#reads = reads
    this.#router = router
    const { onAcquire } = options
    this.#hook = onAcquire && new AcquireHook<C>(runtime, { onAcquire, driver })
  }

  /** True if `onAcquire` prepares each connection for its one borrower, so that callers must not share a statement. */
  get preparesLeases(): boolean {
    return this.#hook !== undefined
  }

  request(options: ManagerAcquireOptions, below: FunctionReference): Request {
    const { target = 'primary', timeoutMs = this.#acquireTimeoutMs } = options
    return new AcquireRequest(options, target, below, timeoutMs)
  }

  /** @param again for what was requested before, and needs another connection: it is served also while the manager closes */
  acquire(request: Request, again = false): Lent<C> {
    if (this.#lifecycle.closed && !again) return this.#router.refuse()
    this.#lifecycle.begin()
    return this.#runtime.leaseObservers.any ? this.#observed(request) : this.#published(request)
  }

  #observed(request: Request): Lent<C> {
    const { leaseObservers } = this.#runtime
    const noted = leaseObservers.acquiring(request.below)
    const lent = this.#published(request)
    if (noted === undefined) return lent
    if (lent instanceof Promise)
      return lent.then((lease) => {
        leaseObservers.began(lease.id, noted)
        return lease
      })
    leaseObservers.began(lent.id, noted)
    return lent
  }

  #published(request: Request): Lent<C> {
    return isTraced(acquireChannel) ? this.#traced(request) : this.#acquire(request)
  }

  /** Asynchronous, for its promise to be one of this realm: callers tell a lease from a promise of one by `instanceof`. */
  async #traced(request: Request): Promise<Lease<C>> {
    const { id: manager, name: poolName } = this.#runtime
    const endpoint = this.#cluster.pick(request.target)?.endpoint
    const context: AcquireContext = contextOf({ endpoint, poolName, manager })
    const acquire = async (): Promise<Lease<C>> => {
      const lease = await this.#acquire(request)
      context.lease = lease.id
      context.connectionId = lease.connectionId
      context.endpoint = lease.endpoint.id
      return lease
    }
    return await acquireChannel.tracePromise(acquire, context)
  }

  #acquire(request: Request): Lent<C> {
    if (!this.#reads.concern(request)) return this.#prepared(request, this.#router)
    return this.#lifecycle.pending.track(Promise.resolve(this.#prepared(request, this.#reads)))
  }

  #prepared(request: Request, way: Reads<C> | Router<C>): Lent<C> {
    return this.#hook === undefined ? way.acquire(request) : this.#hook.acquire(request, way)
  }
}
