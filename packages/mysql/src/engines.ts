import type { Session } from './session.js'

/** For so long what is known of a server's tables counts: others may make some that take no part in transactions. */
const FRESH_MS = 300_000

const SYSTEM_SCHEMAS = "('mysql', 'information_schema', 'performance_schema', 'sys')"
const QUESTION = `SELECT COUNT(*) FROM information_schema.TABLES AS t
  JOIN information_schema.ENGINES AS e ON e.ENGINE = t.ENGINE
  WHERE t.TABLE_TYPE = 'BASE TABLE' AND e.TRANSACTIONS <> 'YES' AND t.TABLE_SCHEMA NOT IN ${SYSTEM_SCHEMAS}`

/**
 * Whether the tables that an account can see all take part in transactions, per endpoint. MyISAM, Aria, MEMORY and others do
 * not: what is written to them stays, whatever becomes of the transaction.
 */
export class Engines {
  readonly #now: () => number
  readonly #known = new Map<string, { transactional: boolean; at: number }>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** What is known, asked anew over the session if that is nothing, or old. */
  async of(endpointId: string, session: Session): Promise<boolean> {
    const known = this.#known.get(endpointId)
    if (known !== undefined && this.#now() - known.at < FRESH_MS) return known.transactional
    const [row] = await session.ask(QUESTION)
    const transactional = row?.[0] === '0'
    this.#known.set(endpointId, { transactional, at: this.#now() })
    return transactional
  }

  /** A table may have been made that takes no part in transactions. */
  forget(endpointId: string): void {
    this.#known.delete(endpointId)
  }
}
