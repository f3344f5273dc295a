/** A summary is cut before the word that would make it longer. */
const LONGEST = 255

/** Words, names in quotes, and the marks that divide them. A shape holds neither values nor comments. */
const TOKEN =
  /"(?:[^"]|"")*"|`(?:[^`]|``)*`|'(?:[^']|'')*'|\[[^\]]*\]|[\p{L}_][\p{L}\p{N}_$]*|[(),.;]/gu
const NAME = /^["`'[\p{L}_]/u

/** What a statement is, wherever it stands in one: subqueries and the parts of a `with` count too. */
const OPERATIONS = new Set(['select', 'insert', 'update', 'delete', 'merge', 'replace', 'truncate'])
/** Take what they are for along: `CREATE TABLE`. */
const DEFINITIONS = new Set(['create', 'alter', 'drop'])
const BEFORE_KIND =
  /^(?:or|replace|temp|temporary|unique|unlogged|materialized|global|local|virtual)$/i
/** Words after which these words are part of another clause: `for update`, `on delete cascade`, `do update set`. */
const BEFORE_NO_OPERATION = new Set(['for', 'on', 'do', 'no', 'key', 'then', 'or', 'share'])
const BEFORE_TARGET = new Set(['from', 'join', 'into', 'using'])
const SKIPPED = new Set(
  'only lateral if not exists table concurrently low_priority ignore'.split(' '),
)
/** End what lists the tables of an operation. */
const ENDS_TARGETS = new Set(
  'where group order having limit offset fetch window union intersect except set returning values for'.split(
    ' ',
  ),
)

/** One level of parentheses. */
interface Level {
  /** Of its own it has an operation: `from` names tables then, and not what `extract(year from …)` reads. */
  operation: boolean
  /** A name that stands here now is a target. */
  expecting: boolean
  /** A comma stands between two targets. */
  listing: boolean
}

/**
 * The operations of a statement and what they are for, in their order and as they are written: `INSERT orders SELECT carts`. A
 * class of statements, as OpenTelemetry's conventions describe it.
 *
 * @param shape a statement without values and comments
 */
export function summaryOf(shape: string): string {
  return new Summary(shape.match(TOKEN) ?? []).words()
}

class Summary {
  readonly #tokens: readonly string[]
  readonly #words: string[] = []
  /** Names that a `with` has defined, in lower case. */
  readonly #expressions = new Set<string>()
  #levels: Level[] = [newLevel()]
  #length = 0
  #atStart = true

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens
  }

  words(): string {
    for (let at = 0; at < this.#tokens.length && this.#length <= LONGEST; ) at = this.#read(at)
    return this.#words.join(' ')
  }

  /** Reads what stands at `at`; returns where to go on. */
  #read(at: number): number {
    const token = this.#tokens[at] as string
    const level = this.#levels.at(-1) as Level
    if (token === '(') this.#levels.push(newLevel())
    else if (token === ')') {
      if (this.#levels.length > 1) this.#levels.pop()
    } else if (token === ';') {
      this.#levels = [newLevel()]
      this.#atStart = true
    } else if (token === ',') level.expecting = level.listing
    else if (NAME.test(token)) return this.#readName(token, at, level)
    return at + 1
  }

  #readName(token: string, at: number, level: Level): number {
    const word = token.toLowerCase()
    if (level.expecting && SKIPPED.has(word)) return at + 1
    if (level.expecting && word !== 'on' && !ENDS_TARGETS.has(word) && !OPERATIONS.has(word))
      return this.#readTarget(at, level)
    if (this.#tokens[at - 1] === '.') return at + 1
    if (this.#isOperation(word, at)) return this.#readOperation(token, word, at, level)
    this.#atStart = false
    if (this.#isExpression(at)) this.#expressions.add(word)
    if (word === 'on') level.expecting = false
    else if (ENDS_TARGETS.has(word)) Object.assign(level, { expecting: false, listing: false })
    else if (BEFORE_TARGET.has(word) && level.operation)
      Object.assign(level, {
        expecting: true,
        listing: word === 'into' ? false : level.listing || word !== 'join',
      })
    return at + 1
  }

  #isOperation(word: string, at: number): boolean {
    if (this.#atStart) return word !== 'with'
    const before = this.#tokens[at - 1]?.toLowerCase() ?? ''
    return OPERATIONS.has(word) && !BEFORE_NO_OPERATION.has(before) && this.#tokens[at + 1] !== '('
  }

  /** `name as (` or `name(columns) as (`: what a `with` defines is no table. */
  #isExpression(at: number): boolean {
    const next = this.#tokens[at + 1]
    if (next?.toLowerCase() === 'as')
      return /^(?:\(|not|materialized)$/i.test(this.#tokens[at + 2] ?? '')
    if (next !== '(') return false
    const end = this.#tokens.indexOf(')', at)
    return (
      end !== -1 && this.#tokens[end + 1]?.toLowerCase() === 'as' && this.#tokens[end + 2] === '('
    )
  }

  #readOperation(token: string, word: string, at: number, level: Level): number {
    this.#atStart = false
    level.operation = true
    level.listing = false
    level.expecting = word === 'update' || word === 'call' || word === 'truncate'
    if (!DEFINITIONS.has(word)) {
      this.#add(token)
      // What is explained follows.
      this.#atStart = word === 'explain' || word === 'analyze'
      return at + 1
    }
    let kind = at + 1
    while (BEFORE_KIND.test(this.#tokens[kind] ?? '')) kind += 1
    this.#add(`${token} ${this.#tokens[kind] ?? ''}`.trim())
    level.expecting = true
    return kind + 1
  }

  /** A name with the names that qualify it. */
  #readTarget(at: number, level: Level): number {
    let target = this.#tokens[at] as string
    let next = at + 1
    while (this.#tokens[next] === '.' && NAME.test(this.#tokens[next + 1] ?? '')) {
      target += `.${this.#tokens[next + 1]}`
      next += 2
    }
    level.expecting = false
    // A function that returns rows is no table; what is inserted into may have its columns in parentheses.
    const before = this.#tokens[at - 1]?.toLowerCase() ?? ''
    const isFunction =
      this.#tokens[next] === '(' && ['from', 'join', ',', 'lateral'].includes(before)
    if (!isFunction && !this.#expressions.has(target.toLowerCase())) this.#add(target)
    return next
  }

  #add(word: string): void {
    this.#length += word.length + (this.#words.length === 0 ? 0 : 1)
    if (this.#length <= LONGEST) this.#words.push(word)
  }
}

function newLevel(): Level {
  return { operation: false, expecting: false, listing: false }
}
