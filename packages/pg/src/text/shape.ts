import { BoundedTexts } from '@connmgr/core/driver'
import { Lexer } from './lexer.js'

/** One statement as far as its tokens tell. All names are in lower case, quoted or not. */
export interface StatementShape {
  /** Its first words, three at most, behind parentheses: what it does. */
  readonly head: readonly string[]
  /** All names and keywords. */
  readonly names: ReadonlySet<string>
  /** Names that stand before a parenthesis as that of a function does. */
  readonly calls: ReadonlySet<string>
  /** Names behind a dot: of a table, a column, or a function that is written like a column. */
  readonly members: ReadonlySet<string>
  readonly operators: ReadonlySet<string>
  /** It inserts, updates, deletes or merges, at any depth. */
  readonly changesRows: boolean
  /** It makes a table of what it selects. */
  readonly selectsInto: boolean
}

/** Longer texts are not looked at: what is not known of them is in doubt. */
const LONGEST_TEXT = 512 * 1024
/** Of the texts whose shapes are kept, and what those take: some 4 MB. */
const MOST_CHARACTERS = 2 * 1024 * 1024

const UNCLEAR: readonly StatementShape[] = []
const SHAPES = new BoundedTexts<readonly StatementShape[]>(MOST_CHARACTERS)

/** The statements of a text; undefined if they cannot be separated with certainty. Each text is read once. */
export function statementsOf(text: string): readonly StatementShape[] | undefined {
  let statements = SHAPES.get(text)
  if (statements === undefined) {
    statements = text.length > LONGEST_TEXT ? UNCLEAR : readStatements(new Lexer(text))
    SHAPES.set(text, statements)
  }
  return statements === UNCLEAR ? undefined : statements
}

/** The one statement of a text; undefined if there are several or none, or that is not certain. */
export function statementOf(text: string): StatementShape | undefined {
  const statements = statementsOf(text)
  return statements?.length === 1 ? statements[0] : undefined
}

function readStatements(lexer: Lexer): readonly StatementShape[] {
  const statements: StatementShape[] = []
  let reader = new StatementReader()
  for (;;) {
    const kind = lexer.next()
    if (kind === 'unclear') return UNCLEAR
    const ends = kind === 'end' || (kind === 'mark' && lexer.value === ';')
    if (!ends) reader.take(lexer)
    else if (!reader.empty) statements.push(reader.finish())
    if (kind === 'end') return statements
    if (ends) reader = new StatementReader()
  }
}

/** What a statement begins with that reads or changes rows, and leaves the session as it was. */
export const READS_OR_CHANGES_ROWS: ReadonlySet<string> = new Set([
  'select',
  'insert',
  'update',
  'delete',
  'merge',
  'values',
  'table',
  'with',
])

const CHANGES_ROWS: ReadonlySet<string> = new Set(['insert', 'update', 'delete', 'merge'])
/** Before a name with a parenthesis behind it that calls nothing: a table and its columns, an alias, a type. */
const NO_CALL_AFTER: ReadonlySet<string> = new Set(['into', 'as', 'with', 'recursive', '::'])
const TEMPORARY: ReadonlySet<string> = new Set([
  'temp',
  'temporary',
  'local',
  'global',
  'unlogged',
  'table',
])

/** Notes one statement, token by token. */
class StatementReader implements StatementShape {
  readonly head: string[] = []
  readonly names = new Set<string>()
  readonly calls = new Set<string>()
  readonly members = new Set<string>()
  readonly operators = new Set<string>()
  changesRows = false
  selectsInto = false
  empty = true
  #headEnded = false
  /** The token before, and the one before that: words and marks as they are, anything else as ''. */
  #last = ''
  #lastButOne = ''
  /** The name that has just been read, whose use depends on what follows. */
  #name: string | undefined
  /** What stands before the name, or before the first of those that dots connect. */
  #lead = ''
  #isMember = false

  take(lexer: Lexer): void {
    const { kind, value } = lexer
    this.empty = false
    if (kind === 'word' || kind === 'name') this.#takeName(value.toLowerCase(), kind === 'word')
    else this.#takeOther(kind === 'mark' ? value : '')
    if (kind === 'operator') this.operators.add(value)
    this.#takeHead(lexer)
    this.#lastButOne = this.#last
    this.#last = kind === 'word' || kind === 'mark' ? value : ''
  }

  finish(): StatementShape {
    this.#endName()
    return this
  }

  #takeName(name: string, isWord: boolean): void {
    const isMember = this.#last === '.'
    this.#endName()
    if (!isMember) this.#lead = this.#last
    this.#isMember = isMember
    this.#name = name
    this.names.add(name)
    if (isWord) this.#takeKeyword(name)
  }

  #takeKeyword(word: string): void {
    if (CHANGES_ROWS.has(word)) {
      // FOR UPDATE and FOR NO KEY UPDATE lock rows.
      const locks = word === 'update' && (this.#last === 'for' || this.#last === 'key')
      if (!locks) this.changesRows = true
    }
    if (word === 'into') this.selectsInto ||= !this.#isTargetOfInsert()
    // "select 1 insert into temp a" names its column "insert".
    if (this.#last === 'into') this.selectsInto ||= TEMPORARY.has(word)
  }

  #isTargetOfInsert(): boolean {
    if (this.#last !== 'insert' && this.#last !== 'merge') return false
    if (this.head.length === 1 && !this.#headEnded) return true
    const before = this.#lastButOne
    return before === '(' || (before === ')' && this.head[0] === 'with')
  }

  #takeOther(mark: string): void {
    const name = this.#name
    if (mark === '(' && name !== undefined) {
      if (!NO_CALL_AFTER.has(this.#lead)) this.calls.add(name)
      this.#name = undefined
    } else this.#endName()
  }

  #endName(): void {
    if (this.#name !== undefined && this.#isMember) this.members.add(this.#name)
    this.#name = undefined
  }

  #takeHead({ kind, value }: Lexer): void {
    if (this.#headEnded) return
    if (kind === 'word') this.head.push(value)
    else if (this.head.length > 0 || kind !== 'mark' || value !== '(') this.#headEnded = true
    if (this.head.length === 3) this.#headEnded = true
  }
}
