import { TransactionRolledBackError } from '@connmgr/core'
import { nextTransactionId, type TracedTransaction } from '@connmgr/core/driver'
import { transactionEndings } from '../statement-text.js'

const BEGIN = new Set(['BEGIN', 'START TRANSACTION'])
/**
 * Follows by the server's answers which transaction a connection is in. The text of a statement alone does not tell: a
 * COMMIT of a failed transaction rolls back, and one outside of any does nothing, but both are answered.
 */
export class TransactionWatch {
  /** Transactions that have ended, which sets one apart from the next. */
  ended = 0
  #inside = false
  /** Commands of the current query that have ended, and those of them that end a transaction. */
  #commands = 0
  #endings = 0
  /** How the latest one of the current borrower has ended. */
  #latest: 'committed' | 'rolled-back' | undefined
  #borrower: object | undefined
  /** Whether the server was in a transaction, and how many had ended, when it was last ready, and the time before. */
  #insideAtReady = false
  #endedAtReady = 0
  #insideBefore = false
  #endedBefore = 0
  /** The number of the transaction that began when so many had ended. Given when asked for. */
  #id = 0
  #idOf = -1

  /** What the statement that the server was ready after last has done. */
  ofLatest(): TracedTransaction | undefined {
    if (this.#insideBefore) {
      const id = this.#idAt(this.#endedBefore)
      if (this.#endedAtReady === this.#endedBefore) return { id }
      return { id, boundary: this.#latest === 'committed' ? 'commit' : 'rollback' }
    }
    return this.#insideAtReady
      ? { id: this.#idAt(this.#endedAtReady), boundary: 'begin' }
      : undefined
  }

  /** The same of a statement that has failed, of which the server is not ready yet. */
  ofFailed(text: string | undefined): TracedTransaction | undefined {
    if (!this.#insideAtReady) return undefined
    const id = this.#idAt(this.#endedAtReady)
    // A COMMIT that fails leaves nothing to commit.
    const ends = transactionEndings(text ?? '').some((ending) => ending !== 'rollback to')
    return ends ? { id, boundary: 'rollback' } : { id }
  }

  #idAt(ended: number): number {
    if (this.#idOf !== ended) {
      this.#idOf = ended
      this.#id = nextTransactionId()
    }
    return this.#id
  }

  /**
   * The server has reported the end of a command.
   *
   * @param tag such as `COMMIT`
   * @param text gives the one of the query that the command is in
   * @returns the error that the caller gets instead of success
   */
  commandEnded(
    tag: string,
    text: () => string | undefined,
    borrower: object | undefined,
  ): TransactionRolledBackError | undefined {
    this.#commands += 1
    if (BEGIN.has(tag)) this.#inside = true
    else if (tag === 'COMMIT' || tag === 'ROLLBACK' || tag === 'PREPARE TRANSACTION') {
      this.#endings += 1
      if (tag === 'ROLLBACK') return this.#rolledBack(text, borrower)
      if (tag === 'COMMIT') return this.#committed(borrower)
      this.#end('committed', borrower)
    }
    return undefined
  }

  /** The server is ready for the next query. @param status I outside of a transaction, T or E inside */
  ready(status: string | undefined, borrower: object | undefined): void {
    const inside = status === 'T' || status === 'E'
    // Without a word of it: its COMMIT has failed.
    if (this.#inside && !inside) this.#end('rolled-back', borrower)
    this.#inside = inside
    this.#insideBefore = this.#insideAtReady
    this.#endedBefore = this.#endedAtReady
    this.#insideAtReady = inside
    this.#endedAtReady = this.ended
    this.#commands = 0
    this.#endings = 0
  }

  #committed(borrower: object | undefined): TransactionRolledBackError | undefined {
    if (this.#inside) {
      this.#end('committed', borrower)
      return undefined
    }
    // What stands before it in the same text is a transaction of its own, which it commits.
    if (this.#commands > 1) return undefined
    // As PostgreSQL has it for those who had nothing to commit; but here what was to be committed is gone.
    if (this.#latest !== 'rolled-back' || this.#borrower !== borrower) return undefined
    return new TransactionRolledBackError(
      'COMMIT was answered outside of a transaction: the one before it had been rolled back already',
    )
  }

  #rolledBack(
    text: () => string | undefined,
    borrower: object | undefined,
  ): TransactionRolledBackError | undefined {
    const ending = transactionEndings(text() ?? '')[this.#endings - 1]
    if (ending === 'rollback to') return undefined
    this.#end('rolled-back', borrower)
    if (ending !== 'commit') return undefined
    return new TransactionRolledBackError(
      'the transaction was rolled back: one of its statements had failed, and the error was ignored',
    )
  }

  #end(how: 'committed' | 'rolled-back', borrower: object | undefined): void {
    this.ended += 1
    this.#inside = false
    this.#latest = how
    this.#borrower = borrower
  }
}
