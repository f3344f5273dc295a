import type { StatementShape } from '../text/shape.js'
import type { CatalogAnswer } from './catalog-query.js'
import { readSource, type Source } from './function-source.js'
import { SYNTAX, WRITES_WITHOUT_SESSION } from './reviewed.js'

/** Operators that statements use without showing them: to sort, group and join, and for IN, BETWEEN, LIKE and the like. */
const UNSEEN_OPERATORS = ['=', '<>', '<', '>', '<=', '>=', '~~', '!~~', '~~*', '!~~*', '~', '!~']
/** Views of the server's own that show what is in the session, which is not the caller's. */
const OF_THE_SESSION: readonly string[] = [
  'pg_cursors',
  'pg_listening_channels',
  'pg_prepared_statements',
]

interface Verdicts {
  onlyReads?: boolean
  leavesSession?: boolean
}

/**
 * What the names in a statement may lead to, as the catalog of a database had it at one time.
 *
 * A name counts wherever it stands, whatever schema it is in: so neither `search_path`, nor an alias, nor the argument
 * types that choose between functions of one name have to be known, and no trick with them helps. A statement that uses
 * the name of a user's function for something else is in doubt, which is the price.
 */
export class Snapshot {
  /** Functions that make, alter or drop something, or call such. In lower case. */
  readonly defining: ReadonlySet<string>
  readonly #harmless: ReadonlySet<string>
  /** Functions that are not harmless, and have not come with the server. */
  readonly #others: ReadonlySet<string>
  /** Functions that are not harmless, of any origin, that can be written like a column of their argument. */
  readonly #columns: ReadonlySet<string>
  readonly #operators: ReadonlySet<string>
  readonly #hidden: boolean
  /** Relations that may write, or run code of a user's, when they are read. */
  readonly #writing: ReadonlySet<string>
  /** Relations that may change the session when they are read, or when they are written. */
  readonly #unsettlingWhenRead: ReadonlySet<string>
  readonly #unsettlingWhenWritten: ReadonlySet<string>
  readonly #verdicts = new WeakMap<StatementShape, Verdicts>()

  readonly mayTakeMemory: boolean

  constructor(answer: CatalogAnswer) {
    this.defining = namesOf(answer.defining)
    this.mayTakeMemory = answer.mayTakeMemory
    this.#harmless = namesOf(answer.harmless)
    this.#others = namesOf(answer.others.map(([name]) => name))
    this.#columns = namesOf(answer.columns)
    this.#operators = new Set(answer.operators)
    this.#hidden = answer.hidden || UNSEEN_OPERATORS.some((each) => this.#operators.has(each))
    const leads = pairsOf(answer.leads)
    const whenRead = pairsOf(answer.whenRead)
    const foreign = namesOf(answer.foreign)
    this.#writing = leadingTo([...foreign, ...whenRead.map(([relation]) => relation)], leads)
    const unsettling = this.#findUnsettling(answer, foreign, whenRead, leads)
    this.#unsettlingWhenRead = unsettling.whenRead
    this.#unsettlingWhenWritten = unsettling.whenWritten
  }

  /** Whether a statement that changes no rows by itself calls nothing that may write. */
  onlyReads(statement: StatementShape): boolean {
    const verdicts = this.#verdictsOf(statement)
    verdicts.onlyReads ??=
      this.#callsOnly(statement, this.#harmless) && !overlap(statement.names, this.#writing)
    return verdicts.onlyReads
  }

  /** Whether a statement leaves the session that it runs in as it was. */
  leavesSession(statement: StatementShape): boolean {
    const verdicts = this.#verdictsOf(statement)
    verdicts.leavesSession ??= this.#leavesSession(statement)
    return verdicts.leavesSession
  }

  #leavesSession(statement: StatementShape): boolean {
    const { changesRows, names, selectsInto } = statement
    if (selectsInto || !this.#callsOnly(statement, this.#harmless, WRITES_WITHOUT_SESSION))
      return false
    if (OF_THE_SESSION.some((each) => names.has(each))) return false
    return !overlap(names, changesRows ? this.#unsettlingWhenWritten : this.#unsettlingWhenRead)
  }

  /** Whether all that a statement calls, as a function, an operator or a column, is among what is allowed. */
  #callsOnly(
    {
      calls,
      members,
      names,
      operators,
    }: Pick<StatementShape, 'calls' | 'members' | 'names' | 'operators'>,
    ...allowed: readonly ReadonlySet<string>[]
  ): boolean {
    if (this.#hidden) return false
    for (const call of calls) {
      if (this.#others.has(call)) return false
      if (!SYNTAX.has(call) && !allowed.some((each) => each.has(call))) return false
    }
    if (overlap(members, this.#columns) || overlap(operators, this.#operators)) return false
    for (const name of names) if (name.startsWith('pg_temp')) return false
    return true
  }

  #verdictsOf(statement: StatementShape): Verdicts {
    let verdicts = this.#verdicts.get(statement)
    if (verdicts === undefined) {
      verdicts = {}
      this.#verdicts.set(statement, verdicts)
    }
    return verdicts
  }

  /**
   * Triggers, defaults, checks and indexes call functions that no statement names. Each is judged by its source; that is
   * repeated until nothing changes, because a function may write to a relation that has triggers of its own.
   */
  #findUnsettling(
    answer: CatalogAnswer,
    foreign: ReadonlySet<string>,
    whenRead: readonly Pair[],
    leads: readonly Pair[],
  ): { whenRead: ReadonlySet<string>; whenWritten: ReadonlySet<string> } {
    const whenWritten = [...whenRead, ...pairsOf(answer.whenWritten)]
    const waysOfWriting = [...leads, ...pairsOf(answer.cascades)]
    const calm = this.#calmFunctions(answer)
    for (;;) {
      const unsettles = ([, called]: Pair): boolean =>
        !(this.#others.has(called) ? calm.has(called) : WRITES_WITHOUT_SESSION.has(called))
      const found = {
        whenRead: leadingTo([...foreign, ...sourcesOf(whenRead.filter(unsettles))], leads),
        // What is written to this view of the server's own is set.
        whenWritten: leadingTo(
          ['pg_settings', ...foreign, ...sourcesOf(whenWritten.filter(unsettles))],
          waysOfWriting,
        ),
      }
      const before = calm.size
      for (const [name, source] of calm) {
        const names = source.names
        if (overlap(names, found.whenWritten) || !this.#staysCalm(source, calm)) calm.delete(name)
      }
      if (calm.size === before) return found
    }
  }

  /** Functions whose sources, all that there are of one name, show nothing that may change the session. */
  #calmFunctions(answer: CatalogAnswer): Map<string, Source> {
    const calm = new Map<string, Source>()
    const wild = new Set<string>()
    for (const [name, text] of answer.others) {
      const source = text === null ? undefined : readSource(text)
      const key = name.toLowerCase()
      if (source === undefined || calm.has(key)) wild.add(key)
      else calm.set(key, source)
    }
    for (const name of wild) calm.delete(name)
    return calm
  }

  #staysCalm({ calls, names, operators }: Source, calm: ReadonlyMap<string, Source>): boolean {
    for (const call of calls) {
      if (calm.has(call)) continue
      if (this.#others.has(call)) return false
      if (!SYNTAX.has(call) && !this.#harmless.has(call) && !WRITES_WITHOUT_SESSION.has(call))
        return false
    }
    if (overlap(operators, this.#operators)) return false
    for (const name of names) if (name.startsWith('pg_temp')) return false
    return true
  }
}

type Pair = readonly [from: string, to: string]

function namesOf(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map((name) => name.toLowerCase()))
}

function pairsOf(pairs: readonly Pair[]): readonly Pair[] {
  return pairs.map(([from, to]) => [from.toLowerCase(), to.toLowerCase()])
}

function sourcesOf(pairs: readonly Pair[]): string[] {
  return pairs.map(([from]) => from)
}

/** The names given, and all from which the pairs lead to one of them. */
function leadingTo(names: readonly string[], pairs: readonly Pair[]): ReadonlySet<string> {
  const from = new Map<string, string[]>()
  for (const [source, target] of pairs) {
    const sources = from.get(target)
    if (sources === undefined) from.set(target, [source])
    else sources.push(source)
  }
  const found = new Set(names)
  // A set that grows while it is walked is walked to its new end.
  for (const name of found) for (const source of from.get(name) ?? []) found.add(source)
  return found
}

function overlap(some: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  if (others.size === 0) return false
  for (const each of some) if (others.has(each)) return true
  return false
}
