import type { CloseReason } from '../vocabulary/close-reason.js'
import type { Proof } from './connect-pace.js'
import type { PoolContext } from './context.js'
import type { PoolEntry } from './entry.js'
import type { RoleTrust } from './role-trust.js'

/** Decides for how long a connection may be lent, and when it must be tested first. */
export class Fitness<C extends object> {
  /** Rises when all connections are invalidated: those of an earlier generation are not lent again. */
  generation = 0
  readonly #context: Pick<PoolContext<C>, 'driver' | 'options'>
  readonly #trust: RoleTrust

  constructor(context: Pick<PoolContext<C>, 'driver' | 'options'>, trust: RoleTrust) {
    this.#context = context
    this.#trust = trust
  }

  /** Shortened at random, so that connections opened together do not end together. */
  lifetimeMs(chance: number): number {
    const { maxLifetimeMs, lifetimeJitter } = this.#context.options
    return maxLifetimeMs * (1 - lifetimeJitter * chance)
  }

  /** Why an entry must not be lent again, if so. */
  unfit(entry: PoolEntry<C>, now: number): CloseReason | undefined {
    if (entry.doomed !== undefined) return entry.doomed
    if (entry.generation !== this.generation) return 'cleared'
    if (now >= entry.expiresAt) return 'lifetime'
    return entry.uses >= this.#context.options.maxUses ? 'uses' : undefined
  }

  /** Whether it must show that it works, and to which server it leads, before it is lent. */
  needsTest(entry: PoolEntry<C>, now: number): boolean {
    if (entry.suspect) return true
    const { required } = this.#trust
    if (required !== undefined && this.#context.driver.replication !== undefined) {
      const role = this.#context.driver.replication.role(entry.connection)
      if (role !== required && role !== 'unknown') return true
    }
    return (
      this.#context.options.prePing && now - entry.idleSince > this.#context.options.prePingBypassMs
    )
  }

  /** What a connection has shown by becoming fit to be lent. */
  proofOf(entry: PoolEntry<C>): Proof {
    if (entry.uses === 0) return 'new'
    return entry.state === 'cleaning' && this.#context.options.reset !== 'none' ? 'reset' : 'tested'
  }
}
