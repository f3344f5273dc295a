import type { Told } from './told.js'

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

/** What a caller may take for granted of a row, by what they were told. */
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

  told({ is, row }: Statement, told: Told): void {
    if (is in CONTROL) this.#control(is, told)
    else if (told === 'ok') this.#done(is, row)
    else if (told === 'lost') this.#lost(row)
    else this.#failed(is, row, told)
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

  #failed(is: StatementClass, row: number, told: Told): void {
    const commits = is.startsWith('several with')
    const partly = commits || (this.#inside !== true && /^(call|do)/.test(is))
    const effectless = this.#aborted || !partly
    this.#rows.set(row, effectless && told === 'failed' ? 'absent' : 'open')
    if (commits && !this.#aborted) this.end('open', undefined)
    else this.#aborted = this.#inside === true
  }

  #control(is: StatementClass, told: Told): void {
    if (is === 'begin') {
      if (told === 'ok') this.#inside = true
    } else if (is === 'savepoint') {
      if (told === 'ok') this.#savepoint = this.#pending.length
      else if (told === 'failed') this.#aborted = this.#inside === true
    } else if (is === 'rollback to') {
      if (told === 'ok') this.#rolledBackTo()
      else if (told === 'failed') this.#aborted = this.#inside === true
    } else this.#transactionEnds(is, told)
  }

  #rolledBackTo(): void {
    for (const row of this.#pending.splice(this.#savepoint ?? 0)) this.#rows.set(row, 'absent')
    this.#aborted = false
  }

  #transactionEnds(is: StatementClass, told: Told): void {
    const chain = is === 'commit and chain'
    if (told === 'failed') {
      // Outside of a transaction there is nothing to chain to.
      if (!chain || this.#inside !== false) this.end('absent', undefined)
    } else if (told === 'unknown') this.end('open', undefined)
    else this.end(told === 'ok' && is !== 'rollback' ? 'there' : 'absent', chain && told !== 'lost')
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
