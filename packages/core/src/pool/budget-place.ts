import type { BudgetShare } from './budget-share.js'
import type { CallerQueue } from './caller-queue.js'
import type { BudgetReport } from './connection-budget.js'
import type { Connections } from './connections.js'
import type { PoolContext } from './context.js'
import type { NextSteps } from './next-steps.js'
import type { Pings } from './pings.js'
import type { Sizing } from './sizing.js'
import { nextSequence, type Waiter } from './waiter.js'

export interface BudgetPlaceParts<C extends object> {
  readonly connections: Connections<C>
  readonly pings: Pings<C>
  readonly queue: CallerQueue<C>
  readonly sizing: Sizing<C>
}

/** The place of a pool among those that share a limit on connections. Without such a limit nothing holds it back. */
export class BudgetPlace<C extends object> {
  readonly #share: BudgetShare | undefined
  readonly #parts: BudgetPlaceParts<C>
  /** None of its callers stands before this place among those of other pools, since an attempt to connect has failed. */
  #earliest = 0

  constructor(
    { budget, runtime: { events, name } }: PoolContext<C>,
    parts: BudgetPlaceParts<C>,
    next: Pick<NextSteps<C>, 'supply'>,
  ) {
    this.#parts = parts
    this.#share = budget?.join({
      name,
      firstWaiting: () => this.#placeOf(this.#firstUnserved()),
      waitingBefore: (place, most) => this.#waitingBefore(place, most),
      idleSince: () => parts.connections.idle.first?.idleSince ?? Number.POSITIVE_INFINITY,
      giveUpIdle: () => events.turn(() => this.#giveUpIdle()),
      supply: () => events.turn(() => next.supply()),
    })
  }

  /** What the limit is spent on, if that is what callers of this pool wait for. */
  get usedUp(): BudgetReport | undefined {
    return this.#share?.usedUp
  }

  /** Whether a connection may be opened now. That takes it from what the pool shares with others, so ask it last. */
  mayOpen(): boolean {
    return this.#share?.take() ?? true
  }

  connected(): void {
    this.#earliest = 0
  }

  /** @param abandoned whether the attempt was given up, which says nothing about the server */
  connectFailed(abandoned: boolean): void {
    if (!abandoned) this.#earliest = nextSequence()
    this.#share?.failed()
  }

  /** A connection is being closed. Returns what to call when it is gone. */
  closing(): (() => void) | undefined {
    return this.#share?.closing()
  }

  /** A caller has taken a connection out of the pool. */
  detached(): void {
    this.#share?.closing()()
  }

  /** Whether a free connection makes room for callers of other pools, rather than to serve `first` of this one. */
  owes(first: Waiter<C> | undefined): boolean {
    return this.#share?.owes(first?.sequence ?? Number.POSITIVE_INFINITY) === true
  }

  leave(): void {
    this.#share?.leave()
  }

  /** The first waiter that no connection on its way will serve. */
  #firstUnserved(): Waiter<C> | undefined {
    const { connections, pings, queue } = this.#parts
    if (queue.suspended) return undefined
    let waiter = queue.first
    for (let coming = connections.opening + pings.size; coming > 0; coming -= 1)
      waiter = waiter?.next
    return waiter
  }

  #placeOf(waiter: Waiter<C> | undefined): number {
    return waiter === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(waiter.sequence, this.#earliest)
  }

  #waitingBefore(place: number, most: number): number {
    const { connections, sizing } = this.#parts
    const spare = sizing.limit - connections.size - connections.opening
    let waiter = this.#firstUnserved()
    let before = 0
    while (before < Math.min(most, spare) && this.#placeOf(waiter) < place) {
      before += 1
      waiter = waiter?.next
    }
    return before
  }

  #giveUpIdle(): void {
    const { connections } = this.#parts
    const { first } = connections.idle
    if (first !== undefined) connections.close(first, 'budget')
  }
}
