import { TransactionRolledBackError } from '@connmgr/core'
import type { ConnectionActivity, ConnectionCondition, StatementTracer } from '@connmgr/core/driver'
import type { StatementTracker } from './outcome/statement-tracker.js'
import type { OwnResult, TextRow } from './own-query.js'
import { askTraced, placeOf, type TracedSession } from './traced-statement.js'

const UNFINISHED =
  'the work has left a cursor, a stream or a COPY open, so its transaction could not be ended and nothing was committed; ' +
  'close it before the work resolves'

/** The session in which transactions run, as far as they need it. */
interface TransactionHost {
  readonly activity: ConnectionActivity
  readonly queries: StatementTracer | undefined
  readonly traced: TracedSession
  ask<R extends TextRow>(text: string, decide: () => Error | undefined): Promise<OwnResult<R>>
  condition(): ConnectionCondition
  refusal(text: string): Error | undefined
  settled(): Promise<void>
}

/** The transactions that the engine begins and ends in one session, for the work of its borrowers. */
export class SessionTransaction {
  readonly #session: TransactionHost
  readonly #statements: StatementTracker
  /** Transactions that had ended when the engine began its own. */
  #endedBefore: number | undefined

  constructor(session: TransactionHost, statements: StatementTracker) {
    this.#session = session
    this.#statements = statements
  }

  /** @param text of the statement that begins it */
  async begin(text: string): Promise<void> {
    await this.#ask(text, () => this.#session.refusal(text))
    this.#endedBefore = this.#statements.transactionsEnded
  }

  /**
   * Commits the transaction that {@link begin} has begun, and no other.
   *
   * @throws TransactionRolledBackError `CONNMGR_TRANSACTION_ROLLED_BACK` if that was rolled back, or had ended before
   */
  async commit(): Promise<void> {
    await this.#finished()
    const { command } = await this.#ask('COMMIT', () =>
      this.#statements.refusalOfCommit(this.#endedBefore),
    )
    if (command !== 'COMMIT')
      throw new TransactionRolledBackError(
        `COMMIT was answered ${command}, so nothing was committed`,
      )
  }

  async rollback(): Promise<void> {
    await this.#finished()
    await this.#ask('ROLLBACK', () => this.#session.refusal('ROLLBACK'))
  }

  /** Runs a statement of the engine's that is part of a borrower's work. */
  #ask<R extends TextRow>(text: string, decide: () => Error | undefined): Promise<OwnResult<R>> {
    const { activity, queries, traced } = this.#session
    const ask = (): Promise<OwnResult<R>> => this.#session.ask<R>(text, decide)
    // What ends a transaction that its borrower has left open is the pool's.
    if (queries?.active !== true || activity.lease?.active === false) return ask()
    const trace = queries.begin(text)
    trace.on(placeOf(traced))
    return trace.run(() => askTraced(trace, traced, text, ask))
  }

  /** Rejects if what is sent next would wait for ever behind a statement that waits for its client. */
  async #finished(): Promise<void> {
    await this.#session.settled()
    if (this.#session.condition() === 'stuck') throw new TransactionRolledBackError(UNFINISHED)
  }
}
