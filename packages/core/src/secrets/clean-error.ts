import { isError } from '../thrown.js'
import { redactText } from './redact-text.js'

/** Fields by which libraries attach to an error what they had: node-postgres its client, Node the text of a bad URL. */
const CARRIERS = ['client', 'config', 'input', 'base'] as const

/**
 * The same thrown thing, fit to be the `cause` of an error that gets logged: no secret in its message, its stack and its
 * fields of text, no client or configuration attached, and so all the way down its causes and parts. An error is cleaned
 * in place, so that it stays the one that the driver knows; one that refuses that is replaced.
 */
export function withoutSecrets(thrown: unknown): unknown {
  return typeof thrown === 'string' ? redactText(thrown) : clean(thrown)
}

/** Errors that were cleaned: one failure to connect is the cause of the errors of all who waited for it. */
const cleaned = new WeakSet<Error>()

function clean(thrown: unknown): unknown {
  if (!isError(thrown) || cleaned.has(thrown)) return thrown
  cleaned.add(thrown)
  try {
    cleanInPlace(thrown)
    return thrown
  } catch {
    // Frozen, or with fields that cannot be set.
    cleaned.delete(thrown)
    const copy = new Error(redactText(thrown.message))
    copy.name = thrown.name
    copy.stack = redactText(thrown.stack ?? '')
    const { code } = thrown as { code?: unknown }
    return typeof code === 'string' ? Object.assign(copy, { code }) : copy
  }
}

function cleanInPlace(error: Error): void {
  const fields = error as unknown as Record<string, unknown>
  for (const name of CARRIERS) {
    const carried = fields[name]
    if (
      name === 'client' || name === 'config'
        ? typeof carried === 'object'
        : fields.code === 'ERR_INVALID_URL'
    )
      delete fields[name]
  }
  for (const name of new Set(['stack', 'message', ...Object.keys(error)])) {
    const value = fields[name]
    if (typeof value !== 'string') continue
    const redacted = redactText(value)
    if (redacted !== value) fields[name] = redacted
  }
  if (error.cause !== undefined) {
    const cause = clean(error.cause)
    if (cause !== error.cause) error.cause = cause
  }
  const { errors } = fields
  if (!Array.isArray(errors)) return
  for (const [index, each] of errors.entries()) {
    const part = clean(each)
    if (part !== each) errors[index] = part
  }
}
