import type { CallerAnswer } from './caller-answer.js'

/** Classes of statements, as texts that the scripted server and a real one understand. @param row what they write */
export const STATEMENTS = {
  read: () => 'select 1',
  insert: (row: number) => `insert into ledger values (${row})`,
  failing: (row: number) => `insert into ledger values (${row} / 0) -- fail`,
  conflicting: (row: number) => `insert into ledger values (${row}) -- conflict`,
  function: (row: number) => `select bump(${row})`,
  call: (row: number) => `call p(${row})`,
  'call in conflict': (row: number) => `call p(${row}) -- conflict`,
  do: (row: number) => `do $$ begin ${row} end $$`,
  'do in conflict': (row: number) => `do $$ begin ${row} end $$ -- conflict`,
  several: (row: number) => `insert into ledger values (${row}); select 1`,
  'several, one fails': (row: number) => `insert into ledger values (${row}); select 1 / 0 -- fail`,
  'several with a commit': (row: number) => `insert into ledger values (${row}); commit; select 1`,
  'several with a commit, then a conflict': (row: number) =>
    `insert into ledger values (${row}); commit; select ${row} -- conflict`,
  begin: () => 'begin',
  commit: () => 'commit',
  'commit and chain': () => 'commit and chain',
  rollback: () => 'rollback',
  savepoint: () => 'savepoint s',
  'rollback to': () => 'rollback to s',
} as const
export type StatementClass = keyof typeof STATEMENTS

/** A statement of a history, and the row that it writes, if it writes one. */
export interface Statement {
  readonly is: StatementClass
  readonly row: number
  /** Sent by the extended protocol. */
  readonly extended: boolean
}

/** What a caller may take for granted of a row, by the answers they got. */
export type Expectation = 'there' | 'absent' | 'open'

/**
 * What the caller of statements on one client may believe, statement by statement, going by nothing but the answers.
 * This is the table that answers are held against.
 */
export class Beliefs {
  /** The transaction that was begun has ended, or may have, and whatever is committed now is another's. */
  ended = false
  readonly #rows: Map<number, Expectation>
  /** Undefined if the answers do not tell. */
  #inside: boolean | undefined
  /** In a transaction that has failed. */
  #aborted = false
  #pending: number[] = []
  #savepoint: number | undefined

  constructor(rows: Map<number, Expectation>, inside: boolean) {
    this.#rows = rows
    this.#inside = inside
  }

  /** A statement is about to be sent. */
  sends({ row }: Statement): void {
    this.#rows.set(row, 'open')
  }

  answered({ is, row }: Statement, answer: CallerAnswer): void {
    if (is in CONTROL) this.#control(is, answer)
    else if (answer === 'ok') this.#done(is, row)
    else if (answer === 'lost') this.#lost(row)
    else this.#failed(is, row, answer)
  }

  /** The connection is given back, or the transaction of the caller ends: so much of it as is still open. */
  end(how: Expectation, inside: boolean | undefined = false): void {
    if (this.#inside !== false) this.ended = true
    for (const row of this.#pending) this.#rows.set(row, how)
    this.#pending = []
    this.#inside = inside
    this.#aborted = false
  }

  #done(is: StatementClass, row: number): void {
    if (is === 'read') return
    if (this.#inside === true) this.#pending.push(row)
    else this.#rows.set(row, this.#inside === false ? 'there' : 'open')
    if (!is.startsWith('several with a commit')) return
    this.#rows.set(row, 'there')
    this.end('there')
  }

  /** Nothing can have been written by it: and in a transaction, by nothing before it. */
  #lost(row: number): void {
    this.#rows.set(row, 'absent')
    if (this.#inside === true) this.end('absent')
  }

  #failed(is: StatementClass, row: number, answer: CallerAnswer): void {
    const commits = is.startsWith('several with')
    const partly = commits || (this.#inside !== true && /^(call|do)/.test(is))
    const effectless = this.#aborted || !partly
    this.#rows.set(row, effectless && answer === 'failed' ? 'absent' : 'open')
    if (commits && !this.#aborted) this.end('open', undefined)
    else this.#aborted = this.#inside === true
  }

  #control(is: StatementClass, answer: CallerAnswer): void {
    if (is === 'begin') {
      if (answer === 'ok') this.#inside = true
    } else if (is === 'savepoint') {
      if (answer === 'ok') this.#savepoint = this.#pending.length
      else if (answer === 'failed') this.#aborted = this.#inside === true
    } else if (is === 'rollback to') {
      if (answer === 'ok') this.#rolledBackTo()
      else if (answer === 'failed') this.#aborted = this.#inside === true
    } else this.#transactionEnds(is, answer)
  }

  #rolledBackTo(): void {
    for (const row of this.#pending.splice(this.#savepoint ?? 0)) this.#rows.set(row, 'absent')
    this.#aborted = false
  }

  #transactionEnds(is: StatementClass, answer: CallerAnswer): void {
    const chain = is === 'commit and chain'
    if (answer === 'failed') {
      // Outside of a transaction there is nothing to chain to.
      if (!chain || this.#inside !== false) this.end('absent', undefined)
    } else if (answer === 'unknown') this.end('open', undefined)
    else
      this.end(
        answer === 'ok' && is !== 'rollback' ? 'there' : 'absent',
        chain && answer !== 'lost',
      )
  }
}

const CONTROL: Partial<Record<StatementClass, true>> = {
  begin: true,
  commit: true,
  'commit and chain': true,
  rollback: true,
  savepoint: true,
  'rollback to': true,
}
