import { randomBytes } from 'node:crypto'
import type { Clock, DriverEvent } from '@connmgr/core'
import { systemClock } from '@connmgr/core/driver'
import { RecurringTexts } from './recurring-texts.js'
import type { SessionStatements } from './session-statements.js'
import type { Statement } from './statement-cache.js'
import { type StatementTimes, statementTimes } from './statement-times.js'

/** Nothing is prepared by itself any more on an endpoint. */
export interface PreparedStatementsOffEvent extends DriverEvent {
  readonly type: 'preparedStatementsOff'
  readonly endpoint: string
  readonly reason: string
}

declare module '@connmgr/core' {
  interface DriverEvents {
    preparedStatementsOff: PreparedStatementsOffEvent
  }
}

/** What statements are prepared by themselves, as {@link PgConnectionManager.getStatementStats} tells it. */
export interface StatementStats {
  /** As the option `preparedStatements` has it. */
  readonly mode: 'auto' | 'off'
  /** Texts that have come so often that they count as recurring. */
  readonly texts: number
  /** Statements that are prepared now, on all open connections together. */
  readonly statements: number
  /** About what these take in the memory of the servers. */
  readonly bytes: number
  /** Runs of a statement that had been prepared before. */
  readonly hits: number
  /** Statements that were prepared. */
  readonly prepares: number
  /** Of these, such as had been prepared before on their connection and had to go, as names may lead elsewhere since. */
  readonly rePrepares: number
  /** Statements that were prepared anew to find out whether the plan that the server keeps is slower. */
  readonly planTrials: number
  /** Statements that had to go for others, as a connection has no room for more. */
  readonly evictions: number
  /** Statements that the server refused before they began, and that ran unprepared instead. */
  readonly retries: number
  /** Endpoints on which nothing is prepared, with the reason. */
  readonly off: readonly { readonly endpoint: string; readonly reason: string }[]
  /** How long runs take, by text: first those that their plan has made slower, then those that take the most time; 20 at most. */
  readonly times: readonly StatementTimes[]
}

/** What one server lets be prepared. */
export type Permission =
  | { readonly allowed: true }
  /** @param final false while it has not been found out */
  | { readonly allowed: false; readonly reason: string; readonly final: boolean }

const NOT_ASKED = {
  allowed: false,
  reason: 'it is not known yet whether a pooler stands before the server',
  final: false,
} as const satisfies Permission

/** How a server with its pooler, if it has one, has taken a named statement. */
export interface PoolerFindings {
  /** The process of the server is the one that the login has named. */
  readonly direct: boolean
  /** The name under which the server knows what was prepared; undefined if it does not know it. */
  readonly name: string | undefined
  /** Under which it was sent. */
  readonly sentAs: string
}

/** Prepared statements of the connections to one endpoint. */
export class EndpointPreparing {
  readonly id: string
  readonly shared: Preparing
  /** Grows when names may lead elsewhere than before: what was prepared earlier is not used any more. */
  generation = 0
  permission: Permission = NOT_ASKED
  /** Added to texts that are prepared, so that a pooler takes none for what it has prepared before. */
  mark = ''
  #direct = false
  #latestMark = 0
  #unexplained = 0

  constructor(id: string, shared: Preparing) {
    this.id = id
    this.shared = shared
  }

  /** It has been asked what stands before the server. */
  found({ direct, name, sentAs }: PoolerFindings): void {
    if (this.permission.allowed || this.permission.final) return
    this.#direct = direct
    // PgBouncer, where it keeps track of statements, gives them names of its own.
    if (direct || (name !== undefined && name !== sentAs)) this.permission = { allowed: true }
    else
      this.#turnOff(
        'a pooler stands before the server and does not keep track of prepared statements (PgBouncer does from 1.21 on, with max_prepared_statements)',
      )
  }

  /** What is prepared may have been before: a pooler keeps statements on connections of its own, and shares them by their text. */
  get isPooled(): boolean {
    return this.permission.allowed && !this.#direct
  }

  /**
   * Names may lead elsewhere than before: what was prepared earlier is not used any more, by a pooler neither.
   *
   * @param refused by which it has shown; what was prepared by a text with another mark shows nothing of those with this one
   */
  outdate(refused?: Statement): void {
    this.generation += 1
    if (!this.isPooled || (refused !== undefined && refused.mark !== this.mark)) return
    // By the time, so that processes that meet one change share what they prepare after it, and new ones find nothing old.
    const minute = Math.floor(this.shared.clock.wallTime() / 60_000)
    this.#latestMark = Math.max(minute, this.#latestMark + 1)
    this.mark = ` /* connmgr ${this.#latestMark} */`
  }

  /** What stands before the server could not be asked. */
  notFound(why: string): void {
    if (this.permission.allowed || this.permission.final) return
    this.permission = { ...NOT_ASKED, reason: `${NOT_ASKED.reason}: ${why}` }
  }

  /**
   * The server does not know a statement that was prepared, or knows one that was not, and nothing that was sent explains
   * it: connections lead to a server process now and to another then.
   */
  unexplained(code: string): void {
    this.#unexplained += 1
    // A function may deallocate, too.
    if (this.#direct && this.#unexplained < MOST_UNEXPLAINED) return
    this.#turnOff(
      `the server answered ${code} though nothing had it forget, as behind a pooler that lends a server process by transaction`,
    )
  }

  #turnOff(reason: string): void {
    if (!this.permission.allowed && this.permission.final) return
    this.permission = { allowed: false, reason, final: true }
    this.shared.onOff(this.id, reason)
  }
}

const MOST_UNEXPLAINED = 10

/** What the connections of one manager share of preparing statements by themselves. */
export class Preparing {
  readonly clock: Clock
  readonly texts = new RecurringTexts()
  readonly counts = {
    hits: 0,
    prepares: 0,
    rePrepares: 0,
    planTrials: 0,
    evictions: 0,
    retries: 0,
  }
  /** Called when nothing is prepared any more on an endpoint. */
  onOff: (endpoint: string, reason: string) => void = () => {}
  /** Of open connections. */
  readonly sessions = new Set<SessionStatements>()
  readonly #endpoints = new Map<string, EndpointPreparing>()
  /** Of no other process, as statements of one may live on behind a pooler that lends its server to another. */
  readonly #prefix = `connmgr_${randomBytes(6).toString('hex')}_`
  #serial = 0

  constructor(clock: Clock = systemClock) {
    this.clock = clock
  }

  of(endpointId: string): EndpointPreparing {
    let endpoint = this.#endpoints.get(endpointId)
    if (endpoint === undefined) {
      endpoint = new EndpointPreparing(endpointId, this)
      this.#endpoints.set(endpointId, endpoint)
    }
    return endpoint
  }

  /** A name that no statement has had. */
  nextName(): string {
    this.#serial += 1
    return this.#prefix + this.#serial
  }

  /** @param shown how a text appears in reports */
  stats(shown: (text: string) => string): StatementStats {
    const sessions = [...this.sessions]
    return {
      mode: 'auto',
      texts: this.texts.size,
      statements: sessions.reduce((sum, { size }) => sum + size, 0),
      bytes: sessions.reduce((sum, { bytes }) => sum + bytes, 0),
      ...this.counts,
      off: [...this.#endpoints.values()].flatMap(({ id, permission }) =>
        permission.allowed ? [] : { endpoint: id, reason: permission.reason },
      ),
      times: statementTimes(this.texts, shown),
    }
  }
}

export const NO_STATEMENTS: StatementStats = {
  mode: 'off',
  texts: 0,
  statements: 0,
  bytes: 0,
  hits: 0,
  prepares: 0,
  rePrepares: 0,
  planTrials: 0,
  evictions: 0,
  retries: 0,
  off: [],
  times: [],
}
