/** How a database's SQL is taken apart into words, as far as databases differ. */
export interface Dialect {
  /** `"…"` is a string, as in MySQL without ANSI_QUOTES, not a name. */
  readonly doubleQuotedStrings: boolean
  /** A backslash escapes the next character of every string. */
  readonly backslashEscapes: boolean
  /** `` `…` `` is a name. */
  readonly backticks: boolean
  /** `[…]` is a name. */
  readonly bracketNames: boolean
  /** `$tag$…$tag$` is a string. */
  readonly dollarQuotes: boolean
  /** Comments nest. */
  readonly nestedComments: boolean
  /** `#` begins a comment, and `--` only before white space. */
  readonly hashComments: boolean
  /** `?` is a placeholder; elsewhere it is an operator, as PostgreSQL's of jsonb. */
  readonly questionMarks: boolean
  /** What stands before the name of a placeholder: some of `:`, `@` and `$`. */
  readonly placeholderMarks: string
  /** `E'…'` has backslash escapes. */
  readonly escapeStrings: boolean
}

const POSTGRESQL: Dialect = {
  doubleQuotedStrings: false,
  backslashEscapes: false,
  backticks: false,
  bracketNames: false,
  dollarQuotes: true,
  nestedComments: true,
  hashComments: false,
  questionMarks: false,
  placeholderMarks: '',
  escapeStrings: true,
}

const MYSQL: Dialect = {
  ...POSTGRESQL,
  doubleQuotedStrings: true,
  backslashEscapes: true,
  backticks: true,
  dollarQuotes: false,
  nestedComments: false,
  hashComments: true,
  questionMarks: true,
  // As mysql2 and the library `mariadb` take them; `@name` is a variable.
  placeholderMarks: ':',
  escapeStrings: false,
}

const SQLITE: Dialect = {
  ...POSTGRESQL,
  backticks: true,
  bracketNames: true,
  dollarQuotes: false,
  nestedComments: false,
  questionMarks: true,
  placeholderMarks: ':@$',
  escapeStrings: false,
}

const DUCKDB: Dialect = { ...POSTGRESQL, questionMarks: true, placeholderMarks: '$' }

/** @param database a driver's name, such as `postgresql`; SQL of a database that is not known is read as PostgreSQL's */
export function dialectOf(database: string): Dialect {
  if (/mysql|maria/i.test(database)) return MYSQL
  if (/sqlite|libsql/i.test(database)) return SQLITE
  if (/duckdb/i.test(database)) return DUCKDB
  return POSTGRESQL
}
