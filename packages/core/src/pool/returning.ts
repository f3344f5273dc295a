import type { ConnectionCondition } from '../driver/contract.js'
import { toError, UnsupportedError } from '../errors.js'
import type { CapturedStack, FunctionReference } from '../leaks/stack.js'
import type { Runtime } from '../runtime.js'
import type { CloseReason } from '../vocabulary/close-reason.js'
import type { BudgetPlace } from './budget-place.js'
import { type Cleaner, HookRefusal } from './cleaner.js'
import type { ConnectPace } from './connect-pace.js'
import type { Connections } from './connections.js'
import type { PoolContext } from './context.js'
import type { Drain } from './drain.js'
import type { PoolEntry } from './entry.js'
import type { Fitness } from './fitness.js'
import type { Lease, LeaseHome } from './lease.js'
import type { LeaseMisuse } from './lease-misuse.js'
import type { Leases } from './leases.js'
import type { Lending } from './lending.js'
import type { NextSteps } from './next-steps.js'
import type { PooledProbes } from './pooled-probes.js'
import type { RoleTrust } from './role-trust.js'
import type { Testing } from './testing.js'

export interface ReturningParts<C extends object> {
  readonly budget: BudgetPlace<C>
  readonly cleaner: Cleaner<C>
  readonly connections: Connections<C>
  readonly pace: ConnectPace<C>
  readonly drain: Drain
  readonly fitness: Fitness<C>
  readonly leases: Leases<C>
  readonly lending: Lending<C>
  readonly misuse: LeaseMisuse<C>
  readonly probes: PooledProbes<C>
  readonly testing: Testing<C>
  readonly trust: RoleTrust
}

/** Takes connections back at the end of their leases: lends them on, cleans them, or closes them. */
export class Returning<C extends object> implements LeaseHome<C> {
  readonly #context: PoolContext<C>
  readonly #runtime: Runtime
  readonly #budget: BudgetPlace<C>
  readonly #cleaner: Cleaner<C>
  readonly #connections: Connections<C>
  readonly #misuse: LeaseMisuse<C>
  readonly #pace: ConnectPace<C>
  readonly #drain: Drain
  readonly #fitness: Fitness<C>
  readonly #leases: Leases<C>
  readonly #lending: Lending<C>
  readonly #probes: PooledProbes<C>
  readonly #testing: Testing<C>
  readonly #trust: RoleTrust
  readonly #next: Pick<NextSteps<C>, 'admit' | 'slotChanged'>

  constructor(
    context: PoolContext<C>,
    parts: ReturningParts<C>,
    next: Pick<NextSteps<C>, 'admit' | 'slotChanged'>,
  ) {
    this.#context = context
    this.#runtime = context.runtime
    this.#budget = parts.budget
    this.#cleaner = parts.cleaner
    this.#connections = parts.connections
    this.#pace = parts.pace
    this.#drain = parts.drain
    this.#fitness = parts.fitness
    this.#leases = parts.leases
    this.#lending = parts.lending
    this.#misuse = parts.misuse
    this.#probes = parts.probes
    this.#testing = parts.testing
    this.#trust = parts.trust
    this.#next = next
  }

  returnLease(lease: Lease<C>): void {
    const { driver } = this.#context
    const { clock, events, stall } = this.#runtime
    const now = clock.now()
    // What the borrower has read last may have arrived before a stop of the process.
    stall.look(now)
    if (!this.#leases.end(lease, now)) return
    const { entry } = lease
    entry.uses += 1
    entry.idleSince = now
    const unfit = this.#fitness.unfit(entry, now)
    const condition = driver.inspect(entry.connection)
    if (condition === 'clean' && unfit === undefined && !this.#cleaner.needsReset(entry))
      this.#useAgain(entry, now)
    else this.#cleanOrClose(lease, condition, unfit)
    events.deliver()
  }

  #useAgain(entry: PoolEntry<C>, now: number): void {
    if (this.#probes.waiting) this.#probes.ask(this.#probes.takeWaiting(), entry)
    else if (this.#trust.wary || this.#lending.isWanted(entry)) this.#testing.test(entry)
    else this.#lending.offer(entry, now)
  }

  #cleanOrClose(
    lease: Lease<C>,
    condition: ConnectionCondition,
    unfit: CloseReason | undefined,
  ): void {
    const { entry } = lease
    // A statement that still runs may be a write, so it is let finish even if the connection is closed after it.
    const unfinished = condition === 'busy' || condition === 'stuck'
    if (!unfinished && (condition === 'broken' || unfit !== undefined || this.#drain.begun)) {
      if (condition === 'broken') this.#pace.lost()
      this.#connections.close(entry, condition === 'broken' ? 'lost' : (unfit ?? 'closed'))
      this.#next.slotChanged()
    } else this.#clean(entry, lease)
  }

  #clean(entry: PoolEntry<C>, lease: Lease<C>): void {
    const { events } = this.#runtime
    this.#connections.clean(entry)
    this.#cleaner.clean(entry, lease).then(
      () => events.turn(() => this.#next.admit(entry)),
      (thrown: unknown) => events.turn(() => this.#cleaningFailed(entry, toError(thrown))),
    )
  }

  #cleaningFailed(entry: PoolEntry<C>, error: Error): void {
    const refused = error instanceof HookRefusal && entry.state !== 'closed'
    // A new connection may be refused as this one was, as fast as callers give them back.
    if (refused && !this.#drain.over) this.#pace.useless(error, true)
    this.#connections.close(entry, refused && error.hook === 'onConnect' ? 'hook' : 'dirty', error)
    this.#next.slotChanged()
  }

  destroyLease(lease: Lease<C>, error: unknown): void {
    const { clock, events } = this.#runtime
    events.turn(() => {
      if (!this.#leases.end(lease, clock.now())) return
      const cause = error === undefined ? undefined : toError(error)
      this.#connections.close(lease.entry, 'destroyed', cause)
      this.#next.slotChanged()
    })
  }

  /** @throws UnsupportedError `CONNMGR_UNSUPPORTED` if the connection is the only one that there may be */
  detachLease(lease: Lease<C>): void {
    const { options } = this.#context
    const { clock, events } = this.#runtime
    if (options.exclusive) {
      this.returnLease(lease)
      throw new UnsupportedError(
        "the only connection of a pool with poolMode 'static' cannot be detached; the lease was released instead",
      )
    }
    events.turn(() => {
      if (!this.#leases.end(lease, clock.now())) return
      this.#connections.detach(lease.entry)
      this.#budget.detached()
      this.#next.slotChanged()
    })
  }

  /** Those of all open connections, also ended ones. */
  get leases(): Iterable<Lease<C>> {
    return this.#leasesOfEntries()
  }

  *#leasesOfEntries(): Generator<Lease<C>, void> {
    for (const { lease } of this.#connections) if (lease !== undefined) yield lease
  }

  releasedTwice(lease: Lease<C>): void {
    this.#runtime.events.turn(() => this.#misuse.releasedTwice(lease))
  }

  isSuspect(lease: Lease<C>, now: number): boolean {
    this.#runtime.stall.look(now)
    return lease.entry.suspect
  }

  fence(lease: Lease<C>): C {
    const { connection } = lease.entry
    return this.#context.driver.session?.fence(connection, lease) ?? connection
  }

  stackOfUse(below: FunctionReference): CapturedStack | undefined {
    return this.#leases.stackOfUse(below)
  }

  usedAfterEnd(lease: Lease<C>, statement: string | undefined): void {
    this.#runtime.events.turn(() => this.#misuse.usedAfterEnd(lease, statement))
  }
}
