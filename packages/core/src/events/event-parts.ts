import { isError, messageOf } from '../errors.js'

/** A thrown thing as events carry it: plain data, safe to log. */
export interface ErrorSummary {
  readonly name: string
  readonly message: string
  /** The database's code, the system's name or connmgr's code, where the error has one. */
  readonly code?: string
}

/** What an event of one endpoint has. */
export interface PoolEvent {
  /** The manager's `name`. */
  readonly pool: string
  /** `host:port/database`. */
  readonly endpoint: string
}

/** What an event says of a thrown thing. */
export function summarize(thrown: unknown): ErrorSummary {
  const message = messageOf(thrown)
  if (!isError(thrown)) return { name: 'Error', message }
  const { code } = thrown as { code?: unknown }
  return { name: thrown.name, message, ...(typeof code === 'string' ? { code } : {}) }
}
