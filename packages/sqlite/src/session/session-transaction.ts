import { TransactionRolledBackError } from '@connmgr/core'
import { type ConnectionActivity, type Effects, noteWrite } from '@connmgr/core/driver'
import { classify } from '../classify.js'
import { kindOf, type StatementKind } from '../text/statement-kind.js'
import type { LiveDatabase } from './live-database.js'

/** Runs the statement `sql`, once the lock that it needs is there. @param leftMs how long it waits at the most */
type Run = <T>(sql: string, attempt: () => T, kind: StatementKind, leftMs?: number) => Promise<T>

const BEGINS = kindOf('BEGIN')
const COMMITS = kindOf('COMMIT')

/** The transaction of one connection, and what may run in it and outside of it. */
export class SessionTransaction {
  readonly #database: LiveDatabase
  readonly #activity: ConnectionActivity
  readonly #readOnly: boolean
  readonly #run: Run
  /** True from `begin` to `commit` or `end`, also if SQLite has rolled back by itself meanwhile. */
  #begun = false
  /** True if the transaction holds the lock for writing since its beginning. */
  #immediate = false

  /** @param readOnly whether the connection cannot write */
  constructor(
    database: LiveDatabase,
    activity: ConnectionActivity,
    { readOnly, run }: { readonly readOnly: boolean; readonly run: Run },
  ) {
    this.#database = database
    this.#activity = activity
    this.#readOnly = readOnly
    this.#run = run
  }

  get begun(): boolean {
    return this.#begun
  }

  get immediate(): boolean {
    return this.#immediate
  }

  /** Runs what a borrower asks for, if it may be run now. */
  guard<T>(kind: StatementKind, flow: Effects | undefined, action: () => T): T {
    const { inTransaction } = this.#database.bound
    if (this.#begun && !inTransaction) throw endedBefore()
    if (kind.reads) return action()
    if (kind.alters) this.#database.noteAltered()
    if (!inTransaction) this.#database.requireFile()
    const mayCommit = !inTransaction || kind.control === 'commit' || kind.control === 'savepoint'
    return mayCommit ? this.#keeping(flow, action) : action()
  }

  /** @param leftMs how long the lock is waited for */
  async begin(readOnly: boolean, leftMs: number): Promise<void> {
    const immediate = !readOnly && !this.#readOnly
    const begin = (): void => {
      this.#database.requireFile()
      this.#database.bound.exec(immediate ? 'BEGIN IMMEDIATE' : 'BEGIN DEFERRED')
      if (!immediate && !this.#readOnly) this.#database.bound.exec('PRAGMA query_only = 1')
    }
    await this.#run('BEGIN', begin, BEGINS, leftMs)
    this.#begun = true
    this.#immediate = immediate
  }

  /** Resolves only if all was committed. @param flow the unit of work that the commit is to be noted with */
  async commit(flow: Effects | undefined): Promise<void> {
    const commit = (): void => {
      if (!this.#database.bound.inTransaction) throw endedBefore()
      this.#database.requireFile()
      this.#keeping(flow, () => this.#database.bound.exec('COMMIT'))
    }
    await this.#run('COMMIT', commit, COMMITS)
    this.end()
  }

  /** The transaction is over, committed or rolled back. */
  end(): void {
    const readOnly = this.#begun && !this.#immediate && !this.#readOnly
    this.#begun = false
    this.#immediate = false
    if (readOnly) this.#database.bound.exec('PRAGMA query_only = 0')
  }

  /** Notes what may commit with the units of work that may be run again. */
  #keeping<T>(flow: Effects | undefined, action: () => T): T {
    const end = noteWrite(flow, this.#activity.lease?.owner.effects as Effects | undefined)
    if (end === undefined) return action()
    try {
      const value = action()
      end(this.#database.inTransaction ? 'undone' : 'kept')
      return value
    } catch (error) {
      const unknown = classify(error) === 'lost' && this.#database.whyEnded === undefined
      end(unknown ? 'unknown' : 'undone')
      throw error
    }
  }
}

function endedBefore(): TransactionRolledBackError {
  return new TransactionRolledBackError(
    'the transaction had ended before: SQLite has rolled it back for an error that was ignored, or its work has ended ' +
      'it; nothing more was run',
  )
}
