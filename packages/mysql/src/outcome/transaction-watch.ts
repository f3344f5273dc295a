import { TransactionRolledBackError } from '@connmgr/core'
import { nextTransactionId, type TracedTransaction } from '@connmgr/core/driver'
import { ROLLS_BACK_TRANSACTION } from '../errors/errnos.js'
import type { ServerStatus } from '../server-status.js'
import { hiddenEndOf, type TransactionVerb } from '../text/statement-text.js'
import type { Surroundings } from './in-flight.js'

/** Violated constraints, mistakes in the text and missing rights cost the statement alone. */
const COSTS_THE_STATEMENT = /^(?:23|42)/

/**
 * Follows by the server's answers which transaction a session is in. Errors carry no status, and some roll back more than
 * their statement: after one it is in doubt, until the next answer, whether the transaction goes on. A COMMIT of one that
 * does not would be answered as done.
 */
export class TransactionWatch {
  /** The server's last word; undefined before the first. */
  status: ServerStatus | undefined
  /** Transactions that were rolled back, so that one can be told from the next. */
  rollbacks = 0
  /** Transactions that were committed without COMMIT, as by DDL. */
  implicitCommits = 0
  /** Of those, the ones that were ended by statements that are not known, as by a procedure: by COMMIT or by ROLLBACK. */
  hiddenEnds = 0
  /** Transactions that have ended in any way, for their numbers. */
  #ended = 0
  #id = 0
  #idOf = -1
  #latest: 'commit' | 'rollback' = 'commit'
  /** An error has come since the last word. */
  #doubtful = false
  /** The doubt is about statements that a procedure may have run before it failed. */
  #byProcedure = false
  /** The server has rolled back a transaction, and its borrower has neither ended it nor begun another. */
  #rolledBackFor: object | 'nobody' | undefined

  /** Where a statement begins that is sent now. Without autocommit a transaction begins with the first statement. */
  get surroundings(): Surroundings {
    if (this.status === undefined || this.#doubtful) return 'unknown'
    return this.status.inTransaction || !this.status.autocommit ? 'transaction' : 'outside'
  }

  /** What {@link transactionOf} has to know of the moment before a statement. */
  get traced(): { readonly inside: boolean; readonly ended: number } {
    return { inside: this.status?.inTransaction === true, ended: this.#ended }
  }

  /** What a statement that has been answered has done to a transaction. */
  transactionOf(
    before: { readonly inside: boolean; readonly ended: number },
    verb: TransactionVerb | undefined,
    failed: boolean,
  ): TracedTransaction | undefined {
    const { ended, inside } = this.traced
    // BEGIN commits what is open, and a transaction with one statement may have ended by now.
    if (inside && (verb === 'begin' || !before.inside)) {
      return { id: this.#idAt(ended), boundary: 'begin' }
    }
    if (!before.inside) return undefined
    const id = this.#idAt(before.ended)
    if (ended !== before.ended) return { id, boundary: this.#latest }
    return failed && verb === 'commit' ? { id, boundary: 'rollback' } : { id }
  }

  #idAt(ended: number): number {
    if (this.#idOf !== ended) {
      this.#idOf = ended
      this.#id = nextTransactionId()
    }
    return this.#id
  }

  #end(how: 'commit' | 'rollback'): void {
    this.#ended += 1
    this.#latest = how
  }

  /** Whether only the server knows if the transaction goes on. */
  get doubtful(): boolean {
    return this.#doubtful
  }

  /**
   * A command has succeeded.
   *
   * @param verb what its statement does to a transaction
   * @param text of the statement, if it is known
   */
  succeeded(
    status: ServerStatus,
    verb: TransactionVerb | undefined,
    borrower: object | undefined,
    text?: string,
  ): void {
    const wasInside = this.status?.inTransaction === true
    if (this.#doubtful && wasInside && !status.inTransaction && verb === undefined) {
      if (this.#byProcedure) this.#hiddenEnd('unknown')
      else this.#rolledBack(borrower)
    }
    if (verb === 'begin' || verb === 'rollback') this.#rolledBackFor = undefined
    if (verb === 'rollback') this.rollbacks += 1
    else if (wasInside && !status.inTransaction && verb !== 'commit' && !this.#doubtful)
      this.#hiddenEnd(hiddenEndOf(text))
    if (wasInside && (!status.inTransaction || verb === 'begin' || verb === 'rollback'))
      this.#end(verb === 'rollback' || this.#rolledBackFor !== undefined ? 'rollback' : 'commit')
    this.status = status
    this.#doubtful = false
    this.#byProcedure = false
  }

  /**
   * The server has refused a command.
   *
   * @param mayBegin whether the command may have begun a transaction before it failed
   */
  failed(
    { errno, sqlState }: { errno: number; sqlState: string },
    mayBegin: boolean,
    borrower: object | undefined,
  ): void {
    const { status } = this
    if (status === undefined) return
    if (!status.inTransaction) {
      if (mayBegin) this.#doubtful = true
    } else if (ROLLS_BACK_TRANSACTION.has(errno)) {
      this.status = { ...status, inTransaction: false }
      this.#end('rollback')
      this.#doubtful = false
      this.#rolledBack(borrower)
      this.#byProcedure = false
    } else if (!COSTS_THE_STATEMENT.test(sqlState)) this.#doubtful = true
    // Its own handler of errors may have ended the transaction.
    else if (mayBegin) this.#doubtful = this.#byProcedure = true
  }

  /** Why COMMIT must not be sent: what it is for was rolled back, and it would be answered as if it were not. */
  refusalOfCommit(borrower: object | undefined): TransactionRolledBackError | undefined {
    if (this.#rolledBackFor === undefined || this.#rolledBackFor !== (borrower ?? 'nobody'))
      return undefined
    return new TransactionRolledBackError(
      'COMMIT was not sent: the server had rolled the transaction back, by a deadlock or a time limit for example, and ' +
        'that error was ignored; what was sent after it is not part of the transaction',
    )
  }

  #hiddenEnd(how: 'commit' | 'rollback' | 'unknown'): void {
    if (how === 'rollback') this.rollbacks += 1
    else this.implicitCommits += 1
    if (how === 'unknown') this.hiddenEnds += 1
  }

  #rolledBack(borrower: object | undefined): void {
    this.rollbacks += 1
    this.#rolledBackFor = borrower ?? 'nobody'
  }
}
