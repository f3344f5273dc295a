import type { MissingRight, Role } from '@connmgr/core'
import { type Probe, type ProbeResult, systemClock, toError } from '@connmgr/core/driver'
import { lsnOf, timelineOf } from './places.js'
import {
  ALL_RIGHTS,
  askRights,
  MINIMAL,
  missingRights,
  NO_RIGHTS,
  type ProbeRow,
  questionFor,
  type Rights,
  withoutLog,
} from './probe-question.js'
import type { Session } from './session.js'

/** Pause before a server that did not tell everything is asked for all of it again. */
const ASK_FOR_MORE_MS = 10_000
/**
 * Times that one probe is asked when the server has cancelled it or could not answer at that moment. A busy server may
 * reach a time limit of the role before the statement that lifts it.
 */
const ATTEMPTS = 5

/**
 * In the transaction that several statements of one message are, so that the settings hold for the question alone: a
 * pooler in between may lend the same session of the server to others. An error ends it, unlike one after BEGIN, which
 * would leave a transaction to roll back before `idle_in_transaction_session_timeout` ends the session. The mode in which
 * transactions begin by default is part of what is asked.
 */
const SETTINGS = `set local statement_timeout to 0; set transaction isolation level read committed;
set local lock_timeout to 0; set local search_path to pg_catalog;`
/** What others have set in their session is not what the server does. */
const OWN_MODE = 'set local default_transaction_read_only to default;'
/** Known to servers from this version on. */
const TRANSACTION_TIMEOUT = { since: 17, off: 'set local transaction_timeout to 0;' }
/** Between two probes the session may be idle for a minute; not all servers and roles limit that. */
const STAY = 'set idle_session_timeout to 0'

/** Errors by which a server says that it does not understand: asked again it says the same. */
const UNKNOWN = /^42/
/**
 * insufficient_privilege and undefined_function, and feature_not_supported, by which Aurora answers the functions that
 * its storage has no use for: something less may be answered.
 */
const WITHHELD: ReadonlySet<unknown> = new Set(['42501', '42883', '0A000'])
/** query_canceled, object_not_in_prerequisite_state, T_R_serialization_failure: next time it may go better. */
const PASSING: ReadonlySet<unknown> = new Set(['57014', '55000', '55P03', '40001'])

interface ProbeOptions {
  readonly now?: () => number
  readonly ownsSession?: boolean
}

/** Asks a server what it is, over a session of its own. */
export class PgProbe implements Probe {
  readonly #session: Session
  readonly #now: () => number
  readonly #ownsSession: boolean
  #rights: Rights = ALL_RIGHTS
  #missing: readonly MissingRight[] = []
  /** When it is asked again for what it has not answered. */
  #askForMoreAt = Number.POSITIVE_INFINITY
  /** False for a server that knows no such settings, or no transactions of several statements. */
  #wraps = true

  /** @param options.ownsSession false if others use the session too, so that it is left as it was; `@default` true */
  constructor(
    session: Session,
    { now = () => systemClock.now(), ownsSession = true }: ProbeOptions = {},
  ) {
    this.#session = session
    this.#now = now
    this.#ownsSession = ownsSession
  }

  check(signal: AbortSignal): Promise<ProbeResult> {
    if (signal.aborted) return Promise.reject(toError(signal.reason))
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(toError(signal.reason)), { once: true })
    })
    return Promise.race([this.#check(), aborted])
  }

  destroy(): void {
    this.#session.destroy()
  }

  async #check(): Promise<ProbeResult> {
    if (this.#now() >= this.#askForMoreAt) await this.#learnRights()
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#ask()
      } catch (error) {
        if (attempt === ATTEMPTS || !PASSING.has(codeOf(error))) throw error
      }
    }
  }

  /** Less is asked only of a server that does not have, or does not allow, what was asked. */
  async #ask(): Promise<ProbeResult> {
    try {
      return await this.#answerTo(this.#question(this.#rights))
    } catch (error) {
      if (!WITHHELD.has(codeOf(error))) throw error
    }
    await this.#learnRights()
    for (const rights of [this.#rights, withoutLog(this.#rights), NO_RIGHTS]) {
      try {
        const result = await this.#answerTo(this.#question(rights))
        return rights === this.#rights ? result : this.#settleFor(rights, result)
      } catch (error) {
        if (!WITHHELD.has(codeOf(error))) throw error
      }
    }
    return { ...(await this.#answerTo(MINIMAL)), role: 'unknown' }
  }

  /** The server answers no more than this, with any rights. */
  #settleFor(rights: Rights, result: ProbeResult): ProbeResult {
    this.#know(rights)
    return { ...result, missing: this.#missing }
  }

  async #learnRights(): Promise<void> {
    try {
      this.#know(await askRights((question) => this.#run(question)))
    } catch (error) {
      if (!WITHHELD.has(codeOf(error))) throw error
      this.#know(NO_RIGHTS)
    }
  }

  #know(rights: Rights): void {
    this.#rights = rights
    this.#missing = missingRights(this.#rights)
    this.#askForMoreAt =
      this.#missing.length === 0 ? Number.POSITIVE_INFINITY : this.#now() + ASK_FOR_MORE_MS
  }

  async #run<R extends readonly (string | null)[]>(question: string): Promise<R> {
    if (!this.#wraps) return this.#row<R>(question)
    try {
      return await this.#row<R>(`${this.#settings()} ${question}`)
    } catch (error) {
      const code = codeOf(error)
      if (code === undefined || WITHHELD.has(code) || !UNKNOWN.test(code)) throw error
      const row = await this.#row<R>(question)
      // It was not the question that the server did not understand.
      this.#wraps = false
      return row
    }
  }

  async #row<R extends readonly (string | null)[]>(text: string): Promise<R> {
    const { rows } = await this.#session.ask<R>(text)
    if (rows[0] === undefined) throw new Error('the server answered a probe with nothing')
    return rows[0]
  }

  #settings(): string {
    const { since, off } = TRANSACTION_TIMEOUT
    const settings = this.#ownsSession ? SETTINGS : `${SETTINGS} ${OWN_MODE}`
    return this.#session.serverVersion >= since ? `${settings} ${off}` : settings
  }

  #question(rights: Rights): string {
    return questionFor(
      rights,
      this.#ownsSession ? 'transaction_read_only' : 'default_transaction_read_only',
    )
  }

  async #answerTo(question: string): Promise<ProbeResult> {
    const row = await this.#run<ProbeRow>(question)
    const idleLimit = row[7]
    if (this.#ownsSession && idleLimit !== null && idleLimit !== '0') await this.#session.ask(STAY)
    return this.#describe(row)
  }

  #describe(row: ProbeRow): ProbeResult {
    const [standby, readOnly, cluster, walFile, timeline, position, startedAt] = row
    const isStandby = standby === 't'
    const role: Role = isStandby ? 'standby' : 'primary'
    const known = walFile === null ? timeline : timelineOf(walFile)
    return {
      role,
      writable: !isStandby && readOnly === 'off',
      ...(cluster === null ? {} : { cluster }),
      // Two servers of one cluster do not start in the same microsecond.
      ...(cluster === null || startedAt === null ? {} : { server: `${cluster} ${startedAt}` }),
      ...(known === null ? {} : { history: known }),
      ...(position === null ? {} : { position: lsnOf(BigInt(position)) }),
      ...(startedAt === null ? {} : { startedAt }),
      ...(this.#missing.length === 0 ? {} : { missing: this.#missing }),
    }
  }
}

function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
}
