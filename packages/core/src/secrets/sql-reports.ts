import { redactText } from './redact-text.js'

/** How SQL appears in reports and events; see `ManagerOptions.reportSql`. */
export type ReportSql = 'text' | 'fingerprint' | 'none'

/** What a server quotes of a statement, or of its values, in the message of an error. */
const QUOTED = /"[^"]*"|'[^']*'|\([^()]*\)=\([^()]*\)/g

/** Decides how SQL is shown outside of the connection that runs it. Called when a report is read, never per statement. */
export class SqlReports {
  readonly #mode: ReportSql
  readonly #fingerprint: ((text: string) => string) | undefined

  /** @param fingerprint the driver's; without one, no text is shown where a fingerprint is wanted */
  constructor(mode: ReportSql, fingerprint: ((text: string) => string) | undefined) {
    this.#mode = mode
    this.#fingerprint = fingerprint
  }

  statement(text: string | undefined): string | undefined {
    if (text === undefined || this.#mode === 'none') return undefined
    return this.#mode === 'text' ? redactText(text) : this.#fingerprint?.(text)
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
