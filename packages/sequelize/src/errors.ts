import type { ErrorReader } from '@connmgr/core/driver'
import type { Sequelize } from 'sequelize'

/** Sequelize's errors have that of the driver as their `parent`. */
export const SEQUELIZE_ERRORS: ErrorReader = {
  wrappedBy: ({ parent, original }) => [parent, original],
}

type ErrorClass = new (parent: Error) => Error
/** Sequelize's classes of errors, which the class `Sequelize` has as well. */
type ErrorClasses = Readonly<
  Record<
    | 'AccessDeniedError'
    | 'ConnectionAcquireTimeoutError'
    | 'ConnectionError'
    | 'ConnectionRefusedError'
    | 'HostNotFoundError'
    | 'HostNotReachableError',
    ErrorClass
  >
>

const BY_CAUSE: Readonly<Record<string, keyof ErrorClasses>> = {
  ECONNREFUSED: 'ConnectionRefusedError',
  ENOTFOUND: 'HostNotFoundError',
  EAI_AGAIN: 'HostNotFoundError',
  EHOSTUNREACH: 'HostNotReachableError',
  ER_ACCESS_DENIED_ERROR: 'AccessDeniedError',
  '28P01': 'AccessDeniedError',
  '28000': 'AccessDeniedError',
}

/** Why no connection came, in the words of Sequelize; the pool's own error is its `parent`. */
export function acquireError(sequelize: Sequelize, error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const classes = sequelize.constructor as unknown as ErrorClasses
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } }
  if (code === 'CONNMGR_ACQUIRE_TIMEOUT') return new classes.ConnectionAcquireTimeoutError(error)
  if (code !== 'CONNMGR_CONNECT_FAILED' && code !== 'CONNMGR_AUTHENTICATION_REFUSED') return error
  return new classes[BY_CAUSE[String(cause?.code)] ?? 'ConnectionError'](error)
}
