import type { ServerMessage } from '../client-internals.js'

/** How bad an error is, in the words of the protocol rather than in those of the server's language. */
export type Severity = 'ERROR' | 'FATAL' | 'PANIC'

/** Found for messages of servers that speak another language. */
const FOUND = new WeakMap<object, Severity>()

/** The severity of an error, undefined if it is not known. */
export function severityOf(message: ServerMessage): Severity | undefined {
  const { severity } = message
  return isSeverity(severity) ? severity : FOUND.get(message)
}

/**
 * Looks up the severity of an error that has just been parsed. Of its two fields pg-protocol keeps only the one that
 * follows `lc_messages`, so that the other is looked for in the bytes that have arrived.
 *
 * @param received the latest of them
 */
export function learnSeverity(message: ServerMessage, received: Buffer): void {
  const { severity, code } = message
  if (severity === undefined || code === undefined || isSeverity(severity)) return
  // In this order and next to each other: the translated severity, the severity, the SQLSTATE.
  const before = Buffer.from(`S${severity}\0V`)
  const at = received.lastIndexOf(before)
  if (at === -1) return
  const [found = '', rest] = received.toString('latin1', at + before.length).split('\0', 2)
  if (isSeverity(found) && rest === `C${code}`) FOUND.set(message, found)
}

function isSeverity(word: string | undefined): word is Severity {
  return word === 'ERROR' || word === 'FATAL' || word === 'PANIC'
}
