import { redactText } from './redact-text.js'
import { HIDDEN } from './url-credentials.js'

/** `host:port/database` without a scheme. */
const ADDRESS = /^[\w.-]+(?::\d+(?:\/[\w-]*)?|\/[\w-]*)$/

/**
 * What was given as a URL, as a message may show it. Such a text holds credentials more likely than others: everything from
 * the first colon to the last @ is hidden, and a text that is no address by its form, which may be a password itself.
 */
export function redactUrl(url: string): string {
  const text = redactText(url)
  const scheme = text.indexOf('://')
  const start = scheme === -1 ? 0 : scheme + 3
  const at = text.lastIndexOf('@')
  const colon = text.indexOf(':', start)
  if (at > start && colon !== -1 && colon < at)
    return `${text.slice(0, colon + 1)}${HIDDEN}${text.slice(at)}`
  return scheme !== -1 || text !== url || ADDRESS.test(text) ? text : HIDDEN
}
