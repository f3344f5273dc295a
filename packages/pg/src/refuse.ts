import type { PendingQuery } from './client-internals.js'

/** Fails a call of a client that is not carried out, in the way in which its caller learns of a failure. */
export function refuse(args: readonly unknown[], error: unknown): unknown {
  const config = (args[0] ?? {}) as PendingQuery & { submit?: unknown; callback?: unknown }
  const { submit, handleError } = config
  const last = args.at(-1)
  const callback = typeof last === 'function' ? last : config.callback
  if (typeof submit === 'function') {
    if (typeof last === 'function') process.nextTick(last as (error: unknown) => void, error)
    // What is read by its own methods, as a cursor is, learns of it by this.
    if (handleError !== undefined && typeof last !== 'function')
      process.nextTick(() => handleError.call(config, error, undefined))
    return config
  }
  if (typeof callback !== 'function') return Promise.reject(error)
  process.nextTick(callback as (error: unknown) => void, error)
  return undefined
}
