import { withoutSecrets } from './secrets/clean-error.js'
import { messageOf } from './thrown.js'
import type { PoolCounts } from './vocabulary/counts.js'
import type { LeaseReport } from './vocabulary/lease-report.js'

export { isError, messageOf, toError } from './thrown.js'

/** Every code an error of connmgr can carry. The strings are stable. */
export type ConnmgrErrorCode =
  | 'CONNMGR_INVALID_OPTION'
  | 'CONNMGR_ACQUIRE_TIMEOUT'
  | 'CONNMGR_ABORTED'
  | 'CONNMGR_ACQUIRE_ABORTED'
  | 'CONNMGR_QUEUE_FULL'
  | 'CONNMGR_POOL_CLOSED'
  | 'CONNMGR_CONNECT_FAILED'
  | 'CONNMGR_ACQUIRE_HOOK_FAILED'
  | 'CONNMGR_CONNECT_TIMEOUT'
  | 'CONNMGR_VALIDATION_FAILED'
  | 'CONNMGR_LEASE_RELEASED'
  | 'CONNMGR_CONNECTION_LOST'
  | 'CONNMGR_CONNECTION_DESTROYED'
  | 'CONNMGR_QUERY_TIMEOUT'
  | 'CONNMGR_TRANSACTION_ROLLED_BACK'
  | 'CONNMGR_COMMIT_OUTCOME_UNKNOWN'
  | 'CONNMGR_AUTHENTICATION_REFUSED'
  | 'CONNMGR_FAILOVER_FAILED'
  | 'CONNMGR_UNSUPPORTED'

/** Base of every error that connmgr raises itself. Tell them apart by `code`. */
export class ConnmgrError extends Error {
  override readonly name: string = 'ConnmgrError'
  readonly code: ConnmgrErrorCode

  constructor(code: ConnmgrErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** An option, URL or environment variable is wrong. Names the option, shows the value without secrets and says the fix. */
export class InvalidOptionError extends ConnmgrError {
  override readonly name = 'InvalidOptionError'

  constructor(
    /** The option, as the caller wrote it. */
    readonly option: string,
    message: string,
  ) {
    super('CONNMGR_INVALID_OPTION', message)
  }
}

/** Which part of an acquire was under way when its deadline passed; `catch-up` is that of a standby with what is to be read. */
export type AcquirePhase = 'wait' | 'connect' | 'validate' | 'no-endpoint' | 'catch-up'

/**
 * No connection came free before the deadline. `phase` says what it was waiting for, `holders` who has
 * the connections, and `cause` is the latest failure to connect, if there was one.
 */
export class AcquireTimeoutError extends ConnmgrError {
  override readonly name = 'AcquireTimeoutError'
  readonly phase: AcquirePhase
  readonly waitedMs: number
  readonly counts: PoolCounts | undefined
  /** The leases held longest, at most five. */
  readonly holders: readonly LeaseReport[]

  constructor(details: {
    message: string
    phase: AcquirePhase
    waitedMs: number
    counts?: PoolCounts
    holders?: readonly LeaseReport[]
    cause?: unknown
  }) {
    super('CONNMGR_ACQUIRE_TIMEOUT', details.message, causeOf(details.cause))
    this.phase = details.phase
    this.waitedMs = details.waitedMs
    this.counts = details.counts
    this.holders = details.holders ?? []
  }
}

/**
 * The caller's AbortSignal fired. What was running was cancelled on the server and its connection closed; an open
 * transaction was rolled back, and what had been committed before stays. `cause` is the signal's reason. Where a write or a
 * COMMIT was in flight, the error is `CONNMGR_COMMIT_OUTCOME_UNKNOWN` instead. Its `name` is that of all abort errors.
 */
export class AbortedError extends ConnmgrError {
  override readonly name: string = 'AbortError'

  constructor(
    cause: unknown,
    message = 'the work was aborted by its signal; an open transaction was rolled back, and what had been committed before stays',
    code: 'CONNMGR_ABORTED' | 'CONNMGR_ACQUIRE_ABORTED' = 'CONNMGR_ABORTED',
  ) {
    // The caller's own object, which goes back to the caller as it is.
    super(code, message, { cause })
  }
}

/** The caller's AbortSignal fired before a connection was there: nothing was sent. `cause` is the signal's reason. */
export class AcquireAbortedError extends AbortedError {
  override readonly name = 'AcquireAbortedError'

  constructor(cause: unknown) {
    super(cause, 'acquire was aborted by its signal', 'CONNMGR_ACQUIRE_ABORTED')
  }
}

/** `maxWaiters` callers are queued already. */
export class QueueFullError extends ConnmgrError {
  override readonly name = 'QueueFullError'

  constructor(pool: string, maxWaiters: number, counts: PoolCounts) {
    super(
      'CONNMGR_QUEUE_FULL',
      `pool "${pool}" already has ${maxWaiters} waiters (maxWaiters) for ${counts.limit} connections, ` +
        `${counts.inUse} in use; shed load, or raise poolSize, maxOverflow or maxWaiters`,
    )
  }
}

/** The pool or manager is closed or closing. */
export class PoolClosedError extends ConnmgrError {
  override readonly name = 'PoolClosedError'

  /** @param waitedMs for how long a caller was still waited for who had come before the end */
  constructor(pool: string, waitedMs?: number) {
    super(
      'CONNMGR_POOL_CLOSED',
      waitedMs === undefined
        ? `pool "${pool}" is closed; acquire before close() is called`
        : `pool "${pool}" is closed, and no connection came free before; give close() a longer drainTimeoutMs`,
    )
  }
}

/**
 * A connection could not be opened, and waiting longer would not help. `cause` is the driver's error, or what the user's
 * `onConnect` has thrown.
 */
export class ConnectFailedError extends ConnmgrError {
  override readonly name = 'ConnectFailedError'

  constructor(
    readonly endpoint: string,
    cause: unknown,
    why = messageOf(cause),
  ) {
    super('CONNMGR_CONNECT_FAILED', `cannot connect to ${endpoint}: ${why}`, causeOf(cause))
  }
}

/**
 * The user's `onAcquire` failed, took too long, or left a transaction or a statement behind, so no connection was lent.
 * `cause` is what it has thrown.
 */
export class AcquireHookError extends ConnmgrError {
  override readonly name = 'AcquireHookError'

  constructor(message: string, cause?: unknown) {
    super('CONNMGR_ACQUIRE_HOOK_FAILED', message, causeOf(cause))
  }
}

/** One attempt to connect, the user's `onConnect` included, took longer than `connectTimeoutMs`. */
export class ConnectTimeoutError extends ConnmgrError {
  override readonly name = 'ConnectTimeoutError'

  constructor(
    readonly endpoint: string,
    timeoutMs: number,
    message = `connecting to ${endpoint} took longer than connectTimeoutMs (${timeoutMs} ms); ` +
      'check that the address is right and no firewall drops packets',
  ) {
    super('CONNMGR_CONNECT_TIMEOUT', message)
  }
}

/** A server wanted the client to prove who it is in a way that is not allowed. Nothing was sent to it. */
export class AuthenticationRefusedError extends ConnmgrError {
  override readonly name = 'AuthenticationRefusedError'

  constructor(message: string) {
    super('CONNMGR_AUTHENTICATION_REFUSED', message)
  }
}

/** A connection did not answer, or answered as another role, when it was checked. */
export class ValidationFailedError extends ConnmgrError {
  override readonly name = 'ValidationFailedError'

  constructor(message: string, cause?: unknown) {
    super('CONNMGR_VALIDATION_FAILED', message, causeOf(cause))
  }
}

/** A lease was used after it had been given back. */
export class LeaseReleasedError extends ConnmgrError {
  override readonly name = 'LeaseReleasedError'

  /** @param leaseId undefined for one that never had a connection */
  constructor(leaseId: number | undefined, how: string) {
    super(
      'CONNMGR_LEASE_RELEASED',
      `${leaseId === undefined ? 'a lease' : `lease ${leaseId}`} was used after it had been ${how}; keep the connection inside use(), or release it last`,
    )
  }
}

/** A failover that was asked for, or had become necessary, could not be done. */
export class FailoverFailedError extends ConnmgrError {
  override readonly name = 'FailoverFailedError'

  constructor(message: string, cause?: unknown) {
    super('CONNMGR_FAILOVER_FAILED', message, causeOf(cause))
  }
}

/** The driver in use cannot do what was asked. */
export class UnsupportedError extends ConnmgrError {
  override readonly name = 'UnsupportedError'

  constructor(message: string) {
    super('CONNMGR_UNSUPPORTED', message)
  }
}

/** What an error of ours has for its cause: without the secrets that drivers attach to theirs. */
export function causeOf(cause: unknown): { cause: unknown } | undefined {
  return cause === undefined ? undefined : { cause: withoutSecrets(cause) }
}
