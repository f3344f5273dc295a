import { Sketch } from '../sketch/sketch.js'
import type { CodePlace, HeldIdleGap, HeldIdleStats, TransactionStats } from '../snapshot.js'
import type { Gap, LeaseRecord } from './lease-record.js'
import { NO_PATH, type Path } from './paths.js'

/** Call sites that are kept. */
const MOST_SITES = 300

class HeldAt {
  readonly site: CodePlace | undefined
  leases = 0
  exceeded = 0
  exceededInTransaction = 0
  longest: Gap | undefined
  readonly held = new Sketch()
  readonly heldIdle = new Sketch()

  constructor(site: CodePlace | undefined) {
    this.site = site
  }
}

/** How long connections were held while no statement ran, by who held them. */
export class HeldIdle {
  readonly #boundMs: number
  readonly #sites = new Map<string, HeldAt>()

  constructor(boundMs: number) {
    this.#boundMs = boundMs
  }

  add(lease: LeaseRecord, heldMs: number): void {
    // Of the engine itself, or of a statement that has acquired it for itself alone.
    if (lease.path === NO_PATH && lease.statements === 0) return
    const at = this.#at(lease.path)
    if (at === undefined) return
    const idleMs = Math.max(0, heldMs - lease.runMs - lease.excusedMs)
    at.leases += 1
    at.held.add(heldMs)
    at.heldIdle.add(idleMs)
    const { longest } = lease
    if (longest !== undefined && longest.durationMs > (at.longest?.durationMs ?? 0))
      at.longest = longest
    if (lease.awaitedMs < this.#boundMs) return
    at.exceeded += 1
    if (longest?.inTransaction === true) at.exceededInTransaction += 1
  }

  /** @param open leases that have not been returned */
  stats(open: Iterable<LeaseRecord>, now: number): HeldIdleStats[] {
    const openAt = new Map<string, number>()
    for (const lease of open) {
      if (lease.idleMs(now) < this.#boundMs) continue
      if (this.#at(lease.path) === undefined) continue
      const { siteKey } = lease.path
      openAt.set(siteKey, (openAt.get(siteKey) ?? 0) + 1)
    }
    return [...this.#sites]
      .map(([key, at]) => this.#statsOf(at, openAt.get(key) ?? 0))
      .sort((a, b) => b.heldIdle.totalMs - a.heldIdle.totalMs)
  }

  clear(): void {
    this.#sites.clear()
  }

  #at({ site, siteKey }: Path): HeldAt | undefined {
    let at = this.#sites.get(siteKey)
    if (at === undefined && this.#sites.size < MOST_SITES) {
      at = new HeldAt(site)
      this.#sites.set(siteKey, at)
    }
    return at
  }

  #statsOf(at: HeldAt, open: number): HeldIdleStats {
    return {
      site: at.site,
      leases: at.leases,
      exceeded: at.exceeded,
      exceededInTransaction: at.exceededInTransaction,
      held: at.held.distribution,
      heldIdle: at.heldIdle.distribution,
      longestGap:
        at.longest !== undefined && at.longest.durationMs >= this.#boundMs
          ? shown(at.longest)
          : undefined,
      open,
    }
  }
}

function shown({ after, durationMs, inTransaction }: Gap): HeldIdleGap {
  return {
    durationMs,
    after:
      after === undefined
        ? undefined
        : {
            fingerprint: after.fingerprint.id,
            text: after.fingerprint.text,
            site: after.path.site,
          },
    inTransaction,
  }
}

class TransactionsAt {
  readonly site: CodePlace | undefined
  committed = 0
  rolledBack = 0
  statements = 0
  maxStatements = 0
  readonly length = new Sketch()
  readonly heldIdle = new Sketch()

  constructor(site: CodePlace | undefined) {
    this.site = site
  }
}

/** Transactions by where they began. */
export class TransactionTable {
  readonly #sites = new Map<string, TransactionsAt>()

  add(
    { site, siteKey }: Path,
    ended: { committed: boolean; lengthMs: number; runMs: number; statements: number },
  ): void {
    let at = this.#sites.get(siteKey)
    if (at === undefined) {
      if (this.#sites.size >= MOST_SITES) return
      at = new TransactionsAt(site)
      this.#sites.set(siteKey, at)
    }
    if (ended.committed) at.committed += 1
    else at.rolledBack += 1
    at.statements += ended.statements
    at.maxStatements = Math.max(at.maxStatements, ended.statements)
    at.length.add(ended.lengthMs)
    at.heldIdle.add(Math.max(0, ended.lengthMs - ended.runMs))
  }

  get count(): number {
    let count = 0
    for (const { length } of this.#sites.values()) count += length.count
    return count
  }

  /** By length, longest in total first. */
  stats(): TransactionStats[] {
    return [...this.#sites.values()]
      .map((at) => ({
        site: at.site,
        count: at.length.count,
        committed: at.committed,
        rolledBack: at.rolledBack,
        length: at.length.distribution,
        heldIdle: at.heldIdle.distribution,
        meanStatements: at.statements / Math.max(1, at.length.count),
        maxStatements: at.maxStatements,
      }))
      .sort((a, b) => b.length.totalMs - a.length.totalMs)
  }

  clear(): void {
    this.#sites.clear()
  }
}
