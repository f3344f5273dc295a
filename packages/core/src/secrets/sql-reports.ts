import { redactText } from './redact-text.js'

/** How SQL appears in reports and events; see `ManagerOptions.reportSql`. */
export type ReportSql = 'text' | 'fingerprint' | 'none'

/** What a server quotes of a statement, or of its values, in the message of an error. */
const QUOTED = /"[^"]*"|'[^']*'|\([^()]*\)=\([^()]*\)/g

/** Of the texts in `#shown`, some 2 MB. */
const MOST_CHARACTERS = 1024 * 1024
/** May hold a literal. Placeholders alone are no secrets, and EXPLAIN needs them. */
const LITERAL = /'|(?:[=,(]|\b(?:by|password))\s*"/i

/** Decides how SQL is shown outside of the connection that runs it. Called when a report is read, or for a subscriber. */
export class SqlReports {
  readonly #mode: ReportSql
  readonly #fingerprint: ((text: string) => string) | undefined
  /** How texts are shown that subscribers got: it takes longer to find than some statements to run. */
  readonly #shown = new Map<string, string>()
  #characters = 0

  /** @param fingerprint the driver's; without one, no text is shown where a fingerprint is wanted */
  constructor(mode: ReportSql, fingerprint: ((text: string) => string) | undefined) {
    this.#mode = mode
    this.#fingerprint = fingerprint
  }

  /** The shape of a statement, whatever reports show of it; undefined if the driver cannot tell. */
  fingerprint(text: string): string | undefined {
    return this.#fingerprint?.(text)
  }

  statement(text: string | undefined): string | undefined {
    if (text === undefined || this.#mode === 'none') return undefined
    return this.#mode === 'text' ? redactText(text) : this.#fingerprint?.(text)
  }

  /** What subscribers to each statement get: as {@link statement}, but a text without literals stays as it is. */
  traced(text: string | undefined): string {
    if (text === undefined || this.#mode === 'none') return ''
    const known = this.#shown.get(text)
    if (known !== undefined) return known
    const isPlain = this.#mode === 'text' && !LITERAL.test(text)
    const shown = isPlain ? text : (this.statement(text) ?? '')
    this.#characters += text.length + shown.length
    if (this.#characters > MOST_CHARACTERS) {
      this.#shown.clear()
      this.#characters = text.length + shown.length
    }
    this.#shown.set(text, shown)
    return shown
  }
}

/** The same event, its error without what the server quotes of a statement. */
export function withoutQuoted<E extends object>(event: E): E {
  const { error } = event as { error?: { readonly message: string } }
  if (error === undefined) return event
  return { ...event, error: { ...error, message: error.message.replace(QUOTED, unquoted) } }
}

function unquoted(quoted: string): string {
  const quote = quoted[0] as string
  return quote === '(' ? '(?)=(?)' : `${quote}?${quote}`
}
