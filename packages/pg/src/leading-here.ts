import { isError } from '@connmgr/core/driver'

/**
 * Rejects with `error`, its stack leading from the caller of the query, not from the socket. V8 knows the caller only in a
 * reaction that the caller awaits: a promise that resolves to this one does so after two turns.
 */
export async function leadingHere(error: unknown): Promise<never> {
  await undefined
  await undefined
  if (isError(error)) Error.captureStackTrace(error)
  throw error
}
