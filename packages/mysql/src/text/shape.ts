import { BoundedTexts } from '@connmgr/core/driver'
import { Lexer } from './lexer.js'

/** One statement as far as its tokens tell. All words are in lower case. */
export interface StatementShape {
  /** Its first words, four at most, behind parentheses: what it does. */
  readonly head: readonly string[]
  /** All words without quotes. */
  readonly words: ReadonlySet<string>
  /** Names that stand before a parenthesis as that of a function does. */
  readonly calls: ReadonlySet<string>
  /** Variables it names, with their signs. */
  readonly variables: ReadonlySet<string>
  /** It assigns to a variable within an expression, by `:=`. */
  readonly assigns: boolean
  /** It puts what it selects into a file or into variables. */
  readonly selectsInto: boolean
}

/** Longer texts are not looked at: what cannot be told of them is in doubt. */
const LONGEST_TEXT = 512 * 1024
/** Of the texts whose shapes are kept, and what those take: some 4 MB. */
const MOST_CHARACTERS = 2 * 1024 * 1024

const UNCLEAR: readonly StatementShape[] = []
const SHAPES = new BoundedTexts<readonly StatementShape[]>(MOST_CHARACTERS)

/** The statements of a text; undefined if they cannot be told apart with certainty. */
export function statementsOf(text: string): readonly StatementShape[] | undefined {
  let statements = SHAPES.get(text)
  if (statements === undefined) {
    statements = text.length > LONGEST_TEXT ? UNCLEAR : readStatements(new Lexer(text))
    SHAPES.set(text, statements)
  }
  return statements === UNCLEAR ? undefined : statements
}

/** The one statement of a text; undefined if there are several or none, or that cannot be told. */
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
    else if (!reader.empty) statements.push(reader)
    if (kind === 'end') return statements
    if (ends) reader = new StatementReader()
  }
}

/** Before a name with a parenthesis behind it that calls nothing: a table and its columns. */
const NO_CALL_AFTER: ReadonlySet<string> = new Set([
  'into',
  'as',
  'with',
  'recursive',
  'table',
  'join',
  'references',
])

class StatementReader implements StatementShape {
  readonly head: string[] = []
  readonly words = new Set<string>()
  readonly calls = new Set<string>()
  readonly variables = new Set<string>()
  assigns = false
  selectsInto = false
  empty = true
  #headEnded = false
  /** The token before: words and marks as they are, anything else as ''. */
  #last = ''
  /** The name that has just been read, and what stands before it. */
  #name: string | undefined
  #lead = ''

  take({ kind, value }: Lexer): void {
    this.empty = false
    if (kind === 'word') this.#takeWord(value)
    else if (kind === 'name' || kind === 'quoted') this.#takeName(value.toLowerCase())
    else {
      if (kind === 'mark') this.#takeMark(value)
      else this.#name = undefined
      if (kind === 'variable') this.variables.add(value)
    }
    this.#takeHead(kind, value)
    this.#last = kind === 'word' || kind === 'mark' ? value : ''
  }

  #takeWord(word: string): void {
    this.words.add(word)
    if (word === 'into')
      this.selectsInto ||=
        this.#last !== 'insert' && this.#last !== 'replace' && !this.#isModified()
    this.#takeName(word)
  }

  /** `INSERT IGNORE INTO` and the like name a table behind INTO. */
  #isModified(): boolean {
    const verb = this.head[0]
    return (
      (verb === 'insert' || verb === 'replace') &&
      ['ignore', 'delayed', 'low_priority', 'high_priority'].includes(this.#last)
    )
  }

  #takeName(name: string): void {
    if (this.#last !== '.') this.#lead = this.#last
    this.#name = name
  }

  #takeMark(mark: string): void {
    if (mark === ':=') this.assigns = true
    if (mark === '(' && this.#name !== undefined && !NO_CALL_AFTER.has(this.#lead))
      this.calls.add(this.#name)
    if (mark !== '.') this.#name = undefined
  }

  #takeHead(kind: string, value: string): void {
    if (this.#headEnded) return
    if (kind === 'word') this.head.push(value)
    else if (this.head.length > 0 || value !== '(') this.#headEnded = true
    if (this.head.length === 4) this.#headEnded = true
  }
}
