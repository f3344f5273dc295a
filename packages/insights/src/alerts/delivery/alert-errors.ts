/**
 * The receiver says that it will never take these alerts: they are dropped rather than delivered again. For sinks of your
 * own.
 */
export class AlertRefusedError extends Error {
  override readonly name = 'AlertRefusedError'
}

/** A delivery failed, and may work later. */
export class AlertDeliveryError extends Error {
  override readonly name: string = 'AlertDeliveryError'
  /** When the receiver wants to be asked again; undefined if it does not say. */
  readonly retryAfterMs: number | undefined

  constructor(
    message: string,
    options: { cause?: unknown; retryAfterMs?: number | undefined } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.retryAfterMs = options.retryAfterMs
  }
}
