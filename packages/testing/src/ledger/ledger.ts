import { FAILURE_CLASSES, type FailureClass } from './failure-class.js'

/** The answers that writers got, checked against what the surviving server holds. */
export interface LedgerResult {
  readonly acknowledged: number
  /** Known not to have happened. */
  readonly failed: number
  /** In flight when the connection was lost: may or may not have happened. */
  readonly unknown: number
  /** Of the unknown ones, those that are there. */
  readonly unknownCommitted: number
  /** Said to have failed, but there. Counted as unknown too. */
  readonly deniedCommitted: number
  /** Acknowledged, but not there. */
  readonly lost: number
  /** There more than once. */
  readonly duplicated: number
}

/** Tells what has been written. */
export interface LedgerServer {
  query(sql: string): Promise<readonly LedgerRow[]>
}

interface LedgerRow {
  readonly id: string
  /** Text from drivers that read whole numbers of 64 bits so. */
  readonly copies: number | string
}

/** Notes what became of each write. Every write has an id of its own, and nothing is ever written twice. */
export class Ledger {
  readonly #acknowledged = new Set<string>()
  readonly #failed = new Map<string, FailureClass>()
  #next = 0

  newId(orm: string): string {
    this.#next += 1
    return `${orm}-${this.#next}`
  }

  get counts(): { acknowledged: number; failed: number; unknown: number } {
    const unknown = this.countOf('unknown')
    return { acknowledged: this.#acknowledged.size, failed: this.#failed.size - unknown, unknown }
  }

  acknowledged(id: string): void {
    this.#acknowledged.add(id)
  }

  rejected(id: string, failure: FailureClass): void {
    this.#failed.set(id, failure)
  }

  /** Writes that failed, by what was said of them. */
  get failures(): Readonly<Record<FailureClass, number>> {
    return Object.fromEntries(FAILURE_CLASSES.map((each) => [each, this.countOf(each)])) as Record<
      FailureClass,
      number
    >
  }

  countOf(failure: FailureClass): number {
    let count = 0
    for (const each of this.#failed.values()) if (each === failure) count += 1
    return count
  }

  /**
   * Compares with what the servers hold together, row by row. A write said to have failed that is there all the same
   * counts as unknown.
   */
  async check(...servers: readonly LedgerServer[]): Promise<LedgerResult> {
    const copies = new Map<string, number>()
    for (const server of servers) {
      const rows = await server.query('select id, count(*) as copies from ledger group by id')
      for (const row of rows) copies.set(row.id, (copies.get(row.id) ?? 0) + Number(row.copies))
    }
    const committed = [...this.#failed].filter(([id]) => copies.has(id))
    const denied = committed.filter(([, failure]) => failure !== 'unknown').length
    const { acknowledged, failed, unknown } = this.counts
    return {
      acknowledged,
      failed: failed - denied,
      unknown: unknown + denied,
      unknownCommitted: committed.length - denied,
      deniedCommitted: denied,
      lost: [...this.#acknowledged].filter((id) => !copies.has(id)).length,
      duplicated: [...copies.values()].filter((each) => each > 1).length,
    }
  }
}
