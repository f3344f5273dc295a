// What becomes of statements and transactions whose connection is cut off, and of those that commit nothing.
import { ConnmgrError, causeOf } from './errors.js'

/**
 * The connection under an operation was cut off, by the server, the network, a time limit or a failover, when nothing
 * can have been written by it: it may be repeated. `cause` is the driver's error.
 */
export class ConnectionLostError extends ConnmgrError {
  override readonly name = 'ConnectionLostError'
  /** False if not a byte of the statement was sent. */
  readonly sent: boolean
  /**
   * True if the connection was ended on purpose: by a time limit, by a call of `destroy`, as it had leaked. Work that met
   * such an end is never run again by itself.
   */
  readonly deliberate: boolean

  constructor(
    message: string,
    cause?: unknown,
    { sent = true, deliberate = false }: { sent?: boolean; deliberate?: boolean } = {},
  ) {
    super('CONNMGR_CONNECTION_LOST', message, causeOf(cause))
    this.sent = sent
    this.deliberate = deliberate
  }
}

/**
 * Why a connection was ended on purpose, while its server was well: its lease was destroyed, or it was reclaimed as
 * leaked. Seen as the `cause` of the errors of the statements that ran on it.
 */
export class ConnectionDestroyedError extends ConnmgrError {
  override readonly name = 'ConnectionDestroyedError'

  constructor(message: string, cause?: unknown) {
    super('CONNMGR_CONNECTION_DESTROYED', message, causeOf(cause))
  }
}

/** A statement ran for longer than `queryTimeoutMs`, so its connection was destroyed. Seen as the `cause` of its caller's error. */
export class QueryTimeoutError extends ConnmgrError {
  override readonly name = 'QueryTimeoutError'

  constructor(timeoutMs: number) {
    super(
      'CONNMGR_QUERY_TIMEOUT',
      `the statement took longer than queryTimeoutMs (${timeoutMs} ms), so its connection was destroyed`,
    )
  }
}

/**
 * COMMIT, or a statement that commits by itself, was sent, and the connection was lost before its answer came. It may
 * have been committed or not. It was not repeated; look for its effect before repeating it. `cause` is the driver's error.
 */
export class CommitOutcomeUnknownError extends ConnmgrError {
  override readonly name = 'CommitOutcomeUnknownError'
  /** The database's own code for an unknown outcome, if its driver names one. */
  declare readonly sqlState?: string

  constructor(
    cause: unknown,
    message = 'the connection was lost while COMMIT was in flight, so the transaction may or may not have been ' +
      'committed; look for its effect before repeating it',
    sqlState?: string,
  ) {
    super('CONNMGR_COMMIT_OUTCOME_UNKNOWN', message, causeOf(cause))
    if (sqlState !== undefined) this.sqlState = sqlState
  }
}

/**
 * COMMIT was answered, and nothing of the transaction was committed by it: the server had rolled it back, or it had ended
 * before. Happens when the error of a statement was ignored, or when the work itself ended the transaction.
 */
export class TransactionRolledBackError extends ConnmgrError {
  override readonly name = 'TransactionRolledBackError'

  constructor(message: string, cause?: unknown) {
    super('CONNMGR_TRANSACTION_ROLLED_BACK', message, causeOf(cause))
  }
}
