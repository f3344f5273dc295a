import type { BudgetReport } from './connection-budget.js'

/** What a budget asks of a pool. */
export interface BudgetMember {
  /** The name of its manager. */
  readonly name: string
  /**
   * Place, among all callers of the process, of the first for whom no connection is on its way; infinity if there is none.
   * Places only grow: a pool whose attempt to connect has failed goes to the end.
   */
  firstWaiting(): number
  /** How many callers before a place it would open a connection for, counted up to `most`. */
  waitingBefore(place: number, most: number): number
  /** When the connection that has been idle for longest was last used; infinity if none is idle. */
  idleSince(): number
  /** Closes that connection. */
  giveUpIdle(): void
  /** There may be room for a connection. */
  supply(): void
}

/** One pool's part in a budget. */
export interface BudgetShare {
  /** Whether a connection may be opened now; if not, the pool is called when there is room. */
  take(): boolean
  /** An attempt to connect has come to nothing. */
  failed(): void
  /** A connection is being closed. Returns what to call when it is closed. */
  closing(): () => void
  /** Whether a free connection must make room for callers of other pools, instead of serving the caller in this place. */
  owes(place: number): boolean
  /** What the budget is spent on, if that is what callers of this pool wait for. */
  readonly usedUp: BudgetReport | undefined
  leave(): void
}

/** What a share asks of its budget. */
interface ShareBudget {
  take(): boolean
  leaving(): void
  free(wasLeaving: boolean): void
  owes(place: number): boolean
  leave(): void
  isWaiting(): boolean
  report(): BudgetReport
}

/** Counts the connections of one pool, and passes its questions on. */
export class Share implements BudgetShare {
  /** Connections that it has, those included that are being opened or closed. */
  taken = 0
  readonly #budget: ShareBudget

  constructor(
    readonly member: BudgetMember,
    budget: ShareBudget,
  ) {
    this.#budget = budget
  }

  take(): boolean {
    if (!this.#budget.take()) return false
    this.taken += 1
    return true
  }

  failed(): void {
    this.taken -= 1
    this.#budget.free(false)
  }

  closing(): () => void {
    this.#budget.leaving()
    return () => {
      this.taken -= 1
      this.#budget.free(true)
    }
  }

  owes(place: number): boolean {
    return this.#budget.owes(place)
  }

  get usedUp(): BudgetReport | undefined {
    return this.#budget.isWaiting() ? this.#budget.report() : undefined
  }

  leave(): void {
    this.#budget.leave()
  }
}
