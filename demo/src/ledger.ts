import { classify } from '@connmgr/pg'
import type { PostgresNode } from '@connmgr/testing'

/** What the demo's writers were told, checked against what the surviving server holds. */
export interface LedgerResult {
  readonly acknowledged: number
  /** Known not to have happened. */
  readonly failed: number
  /** In flight when the connection was lost: may or may not have happened. */
  readonly unknown: number
  /** Acknowledged, but not there. */
  readonly lost: number
  /** There more than once. */
  readonly duplicated: number
}

export const LEDGER_TABLE =
  'create table ledger (row bigserial primary key, id text not null, orm text not null)'

/** Notes what became of each write. Every write has an id of its own, and nothing is ever written twice. */
export class Ledger {
  readonly #acknowledged = new Set<string>()
  readonly #failed = new Set<string>()
  readonly #unknown = new Set<string>()
  #next = 0

  newId(orm: string): string {
    this.#next += 1
    return `${orm}-${this.#next}`
  }

  get counts(): { acknowledged: number; failed: number; unknown: number } {
    return {
      acknowledged: this.#acknowledged.size,
      failed: this.#failed.size,
      unknown: this.#unknown.size,
    }
  }

  acknowledged(id: string): void {
    this.#acknowledged.add(id)
  }

  rejected(id: string, error: unknown): void {
    const set = isKnownNotDone(error) ? this.#failed : this.#unknown
    set.add(id)
  }

  /** Compares with the server, row by row. A write said to have failed that is there all the same counts as unknown. */
  async check(server: PostgresNode): Promise<LedgerResult> {
    const rows = await server.query<{ id: string; copies: number }>(
      'select id, count(*)::int as copies from ledger group by id',
    )
    const copies = new Map(rows.map((row) => [row.id, row.copies]))
    const wronglyFailed = [...this.#failed].filter((id) => copies.has(id)).length
    return {
      acknowledged: this.#acknowledged.size,
      failed: this.#failed.size - wronglyFailed,
      unknown: this.#unknown.size + wronglyFailed,
      lost: [...this.#acknowledged].filter((id) => !copies.has(id)).length,
      duplicated: rows.filter((row) => row.copies > 1).length,
    }
  }
}

/** True if the error says that nothing was written: never sent, or refused. Every other error leaves it open. */
function isKnownNotDone(error: unknown): boolean {
  for (const each of withCauses(error)) {
    const { code } = each as { code?: unknown }
    if (typeof code === 'string' && /^CONNMGR_(ACQUIRE|QUEUE|POOL|CONNECT)/.test(code)) return true
    const kind = classify(each)
    if (kind === 'read-only' || kind === 'starting' || kind === 'busy' || kind === 'unreachable')
      return true
  }
  return false
}

/** An error and those it wraps, as the three ORMs do it. */
function* withCauses(error: unknown): Generator<object> {
  let current = error
  for (let depth = 0; depth < 5 && typeof current === 'object' && current !== null; depth += 1) {
    yield current
    const { cause, driverError } = current as { cause?: unknown; driverError?: unknown }
    current = driverError ?? cause
  }
}
