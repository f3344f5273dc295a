import { types } from 'node:util'
import { redactText } from './secrets/redact-text.js'

/** Whether a thrown thing is an error, also one made in another realm, as Node's own are under some test runners. */
export function isError(thrown: unknown): thrown is Error {
  return thrown instanceof Error || types.isNativeError(thrown) || looksLikeError(thrown)
}

/**
 * What a class in the old style makes is no native error, and an addon makes those of the realm that has loaded it first.
 */
function looksLikeError(thrown: unknown): boolean {
  if (typeof thrown !== 'object' || thrown === null) return false
  const { message, name, stack } = thrown as Partial<Record<keyof Error, unknown>>
  return typeof message === 'string' && typeof name === 'string' && typeof stack === 'string'
}

/**
 * The message of anything that was thrown, without secrets. An AggregateError of Node's connect has none of its own, so
 * its parts are shown.
 */
export function messageOf(error: unknown): string {
  if (!isError(error)) return redactText(String(error))
  const { errors } = error as { errors?: unknown }
  return error.message === '' && Array.isArray(errors)
    ? errors.map(messageOf).join('; ')
    : redactText(error.message)
}

/** Anything that was thrown, as an Error. */
export function toError(thrown: unknown): Error {
  return isError(thrown) ? thrown : new Error(String(thrown))
}
