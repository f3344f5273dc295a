/** For so long what is known of a server's tables counts: others may make some that take no part in transactions. */
const FRESH_MS = 300_000
/** Pause before a server that could not be asked is asked again. */
const AGAIN_MS = 10_000

const SYSTEM_SCHEMAS = "('mysql', 'information_schema', 'performance_schema', 'sys')"
const QUESTION = `SELECT COUNT(*) FROM information_schema.TABLES AS t
  JOIN information_schema.ENGINES AS e ON e.ENGINE = t.ENGINE
  WHERE t.TABLE_TYPE = 'BASE TABLE' AND e.TRANSACTIONS <> 'YES' AND t.TABLE_SCHEMA NOT IN ${SYSTEM_SCHEMAS}`

/** Runs a statement on a server, over a connection that is opened for it. */
export type AskAside = (text: string) => Promise<readonly (readonly (string | null)[])[]>

/** What is known of the tables of an endpoint's server. */
export interface Tables {
  /** All of them take part in transactions; false while that is not known. */
  readonly transactional: boolean
}

class Known implements Tables {
  transactional = false
  askAgainAt = Number.NEGATIVE_INFINITY
  asking = false
  /** How often it was forgotten: an answer to what was asked before that says nothing. */
  forgotten = 0
}

/**
 * Whether the tables that an account can see all take part in transactions, per endpoint. MyISAM, Aria, MEMORY and others do
 * not: what is written to them stays, whatever becomes of the transaction. Until that is known it is in doubt.
 */
export class Engines {
  readonly #now: () => number
  readonly #known = new Map<string, Known>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** What is known now and from now on: each statement asks, so it is looked up once for each connection. */
  of(endpointId: string): Tables {
    return this.#of(endpointId)
  }

  /** Has a server asked if nothing is known of it, or that is old. With thousands of tables it takes a while: no caller waits. */
  read(endpointId: string, ask: AskAside): void {
    const known = this.#of(endpointId)
    if (known.asking || this.#now() < known.askAgainAt) return
    known.asking = true
    const { forgotten } = known
    const know = (transactional: boolean, forMs: number): void => {
      known.asking = false
      known.transactional = transactional
      known.askAgainAt = this.#now() + forMs
    }
    ask(QUESTION).then(
      ([row]) =>
        known.forgotten === forgotten
          ? know(row?.[0] === '0', FRESH_MS)
          : know(false, Number.NEGATIVE_INFINITY),
      // A server that has no room for it, or is gone, is in doubt, and is asked again.
      () => know(false, AGAIN_MS),
    )
  }

  /**
   * A table may be made that takes no part in transactions. To be called before its statement is sent, and when that has ended:
   * it may take long, and the tables may be read meanwhile.
   */
  forget(endpointId: string): void {
    const known = this.#of(endpointId)
    known.transactional = false
    known.askAgainAt = Number.NEGATIVE_INFINITY
    known.forgotten += 1
  }

  #of(endpointId: string): Known {
    let known = this.#known.get(endpointId)
    if (known === undefined) {
      known = new Known()
      this.#known.set(endpointId, known)
    }
    return known
  }
}
