import type { Driver } from '../driver/contract.js'
import type { Proof } from './connector.js'
import type { CloseReason, PoolEntry } from './entry.js'
import type { PoolOptions } from './options.js'
import type { RoleTrust } from './role-trust.js'

/** For how long and for what a connection is good. */
export class Fitness<C extends object> {
  /** Rises when all connections are invalidated: those of an earlier one are not lent again. */
  generation = 0
  readonly #driver: Driver<C>
  readonly #options: PoolOptions<C>
  readonly #trust: RoleTrust

  constructor(driver: Driver<C>, options: PoolOptions<C>, trust: RoleTrust) {
    this.#driver = driver
    this.#options = options
    this.#trust = trust
  }

  /** Shortened at random, so that connections born together do not die together. */
  lifetimeMs(chance: number): number {
    const { maxLifetimeMs, lifetimeJitter } = this.#options
    return maxLifetimeMs * (1 - lifetimeJitter * chance)
  }

  /** Why an entry must not be lent again, if so. */
  unfit(entry: PoolEntry<C>, now: number): CloseReason | undefined {
    if (entry.doomed !== undefined) return entry.doomed
    if (entry.generation !== this.generation) return 'cleared'
    if (now >= entry.expiresAt) return 'lifetime'
    return entry.uses >= this.#options.maxUses ? 'uses' : undefined
  }

  /** Whether it must show that it works, and where it leads to, before it is lent. */
  needsTest(entry: PoolEntry<C>, now: number): boolean {
    if (entry.suspect) return true
    const { expected } = this.#trust
    if (expected !== undefined && this.#driver.replication !== undefined) {
      const role = this.#driver.replication.role(entry.connection)
      if (role !== expected && role !== 'unknown') return true
    }
    return this.#options.prePing && now - entry.idleSince > this.#options.prePingBypassMs
  }

  /** What a connection that may be lent has shown by that. */
  proofOf(entry: PoolEntry<C>): Proof {
    if (entry.uses === 0) return 'new'
    return entry.state === 'cleaning' && this.#options.reset !== 'none' ? 'reset' : 'tested'
  }
}
