import { InvalidOptionError } from '../errors.js'
import { printAsJson } from '../secrets/print.js'
import { type BudgetMember, type BudgetShare, Share } from './budget-share.js'

/** Options of a {@link ConnectionBudget}. */
export interface ConnectionBudgetOptions {
  /** Connections that all its pools together may have open, being opened or being closed, at any time. */
  readonly maxConnections: number
}

/** A limit that several managers share. Made by `new ConnectionBudget(...)`. */
export interface Budget {
  /** Connections that may be open, being opened or being closed, at any time. */
  readonly maxConnections: number
  /** Connections open, being opened or being closed now. */
  readonly connections: number
  /** @internal */
  join(member: BudgetMember): BudgetShare
}

/** A snapshot of a budget, for messages. */
export interface BudgetReport {
  readonly maxConnections: number
  /** Managers that have connections, and how many, most first. */
  readonly spentBy: readonly (readonly [name: string, connections: number])[]
}

/** Runs what follows on it after the running code. */
const SOON = Promise.resolve()

/**
 * One limit on the connections of several managers, besides the limit that each has: pass it to all of them as `budget`.
 *
 * While it is used up, callers are served in the order in which they came, whichever manager they asked: an idle connection
 * of another manager is closed to make room, and one that comes back goes to the caller who has waited for longest, or
 * makes room for that one's. A manager whose attempt to connect fails goes to the end of the queue, so that a server that is
 * down does not keep the others' callers waiting. Sessions of monitoring and of `listen` are not counted.
 *
 * @example
 * const budget = new ConnectionBudget({ maxConnections: 50 })
 * const shop = createConnectionManager({ databaseUrl: shopUrl, budget })
 * const blog = createConnectionManager({ databaseUrl: blogUrl, budget })
 */
export class ConnectionBudget implements Budget {
  static {
    printAsJson(ConnectionBudget.prototype)
  }

  readonly maxConnections: number
  readonly #shares = new Set<Share>()
  /** Shares that were refused a connection. */
  readonly #waiting = new Set<Share>()
  #taken = 0
  /** How many of these are being closed. */
  #leaving = 0
  #scheduled = false

  /** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
  constructor(options: ConnectionBudgetOptions) {
    const { maxConnections, ...others } = (options ?? {}) as { maxConnections?: unknown }
    const [unknown] = Object.keys(others)
    if (unknown !== undefined) {
      throw new InvalidOptionError(
        unknown,
        `unknown option "${unknown}" in the options of ConnectionBudget; known is maxConnections`,
      )
    }
    if (!Number.isInteger(maxConnections) || (maxConnections as number) < 1) {
      const given =
        typeof maxConnections === 'number' ? maxConnections : `of type ${typeof maxConnections}`
      throw new InvalidOptionError(
        'maxConnections',
        `option "maxConnections" must be a whole number from 1 on, but it is ${given}`,
      )
    }
    this.maxConnections = maxConnections as number
  }

  get connections(): number {
    return this.#taken
  }

  /** What `JSON.stringify`, `console.log` and loggers show of it. */
  toJSON(): object {
    return { maxConnections: this.maxConnections, connections: this.#taken }
  }

  /** @internal */
  join(member: BudgetMember): BudgetShare {
    const share = new Share(member, {
      take: () => this.#take(share),
      leaving: () => {
        this.#leaving += 1
      },
      free: (wasLeaving) => {
        this.#taken -= 1
        if (wasLeaving) this.#leaving -= 1
        this.#serveSoon()
      },
      owes: (place) => {
        const promised = this.#leaving + this.#room()
        return this.#ahead(place, promised + 1) > promised
      },
      leave: () => {
        this.#shares.delete(share)
        if (this.#waiting.delete(share)) this.#serveSoon()
      },
      isWaiting: () => this.#waiting.has(share),
      report: () => this.#report(),
    })
    this.#shares.add(share)
    return share
  }

  #room(): number {
    return this.maxConnections - this.#taken
  }

  #take(share: Share): boolean {
    const place = share.member.firstWaiting()
    if (this.#room() > this.#ahead(place, this.#room(), share)) {
      this.#waiting.delete(share)
      this.#taken += 1
      return true
    }
    // A reserve of idle connections is filled when there is room to spare. No other pool gives up one for it.
    if (place === Number.POSITIVE_INFINITY) return false
    this.#waiting.add(share)
    this.#makeRoom(share)
    return false
  }

  /** Callers of refused pools that stand before a place, counted up to `most`. */
  #ahead(place: number, most: number, except?: Share): number {
    let ahead = 0
    for (const each of this.#waiting) {
      if (ahead >= most) break
      if (each !== except) ahead += each.member.waitingBefore(place, most - ahead)
    }
    return ahead
  }

  /** Closes as many idle connections of others as pools wait, the one that has been idle for longest first. */
  #makeRoom(asking: Share): void {
    let short = -this.#leaving - this.#room()
    // Callers of pools without a waiter any more have given up.
    for (const { member } of this.#waiting)
      if (member.firstWaiting() < Number.POSITIVE_INFINITY) short += 1
    for (; short > 0; short -= 1) {
      let chosen: Share | undefined
      let since = Number.POSITIVE_INFINITY
      for (const each of this.#shares) {
        const idleSince = each === asking ? Number.POSITIVE_INFINITY : each.member.idleSince()
        if (idleSince >= since) continue
        chosen = each
        since = idleSince
      }
      if (chosen === undefined) return
      chosen.member.giveUpIdle()
    }
  }

  /** Not at once: a pool that frees a place is in the midst of a change. */
  #serveSoon(): void {
    if (this.#scheduled || this.#waiting.size === 0) return
    this.#scheduled = true
    void SOON.then(() => {
      this.#scheduled = false
      this.#serve()
    })
  }

  /** In rounds, as a pool's next caller may stand behind those of others. Each round leaves less room or fewer pools. */
  #serve(): void {
    let room: number
    let waiting: number
    do {
      room = this.#room()
      waiting = this.#waiting.size
      this.#serveRound()
    } while (this.#room() > 0 && (this.#room() < room || this.#waiting.size < waiting))
  }

  #serveRound(): void {
    const inOrder = [...this.#waiting]
      .map((share) => ({ share, place: share.member.firstWaiting() }))
      .sort((a, b) => a.place - b.place)
    for (const { share } of inOrder) {
      if (this.#room() <= 0) return
      // It asks again if it still wants one.
      this.#waiting.delete(share)
      share.member.supply()
    }
  }

  #report(): BudgetReport {
    const byName = new Map<string, number>()
    for (const { member, taken } of this.#shares)
      if (taken > 0) byName.set(member.name, (byName.get(member.name) ?? 0) + taken)
    return {
      maxConnections: this.maxConnections,
      spentBy: [...byName].sort(([, a], [, b]) => b - a),
    }
  }
}
