import type { Client } from 'pg'

interface Found {
  readonly nonce: number
  readonly unwritten: boolean
  readonly fresh: boolean
  readonly path: string
  readonly mark: string
  readonly scratch: string | null
}

const DEFAULT_PATH = '"$user", public'
/** Reports to keep; of a thousand faults of a kind the first say enough. */
const MOST_REPORTS = 20

/** Looks at every connection as its borrower gets it, and knows who had it before. */
export class HandOvers {
  readonly reports: string[] = []
  #checked = 0
  #dirty = 0
  readonly #holders = new Map<Client, string>()
  readonly #before = new WeakMap<Client, string>()

  get checked(): number {
    return this.#checked
  }

  get dirty(): number {
    return this.#dirty
  }

  /**
   * Rejects only if the connection does not answer.
   *
   * @param begun true if the borrower's own transaction has begun already
   */
  async receive(client: Client, borrower: string, begun: boolean): Promise<void> {
    const other = this.#holders.get(client)
    if (other !== undefined) this.#report(`is lent to ${other} too`, client, borrower)
    this.#holders.set(client, borrower)
    const status = client.getTransactionStatus()
    if (status !== (begun ? 'T' : 'I')) {
      this.#report(`has the transaction status ${status}`, client, borrower)
    }
    this.#checked += 1
    const nonce = this.#checked
    // Without parameters, as with them the server would take the time of the statement once more when it executes.
    const { rows } = await client.query<Found>(
      `select ${nonce} as nonce,
              pg_current_xact_id_if_assigned() is null as unwritten,
              now() = statement_timestamp() as fresh,
              current_setting('search_path') as path,
              coalesce(current_setting('soak.mark', true), '') as mark,
              to_regclass('pg_temp.soak_scratch')::text as scratch`,
    )
    for (const problem of problemsOf(rows[0], nonce, begun)) {
      this.#report(problem, client, borrower)
    }
  }

  /** To be called before the connection is given back, as it may be lent on at once. */
  end(client: Client): void {
    const borrower = this.#holders.get(client)
    if (borrower === undefined) return
    this.#holders.delete(client)
    this.#before.set(client, borrower)
  }
  #report(problem: string, client: Client, borrower: string): void {
    this.#dirty += 1
    if (this.reports.length >= MOST_REPORTS) return
    const before = this.#before.get(client) ?? 'none'
    this.reports.push(`a connection for ${borrower} ${problem}; ${before} had it before`)
  }
}

function problemsOf(found: Found | undefined, nonce: number, begun: boolean): string[] {
  if (found?.nonce !== nonce) return [`gave the answer to another question: ${found?.nonce}`]
  return [
    found.unwritten ? '' : 'is inside a transaction that has written',
    // A transaction of the borrower's own began with the statement before this one.
    found.fresh || begun ? '' : 'is inside a transaction',
    found.path === DEFAULT_PATH ? '' : `has the search_path ${found.path}`,
    found.mark === '' ? '' : `has the setting soak.mark of ${found.mark}`,
    found.scratch === null ? '' : 'has a temporary table',
  ].filter((problem) => problem !== '')
}
