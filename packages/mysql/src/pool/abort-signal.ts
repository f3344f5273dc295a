import { AbortedError, ConnectionLostError, type Lease } from '@connmgr/core'
import { invalidOption } from '@connmgr/core/driver'
import type { Connection } from 'mysql2'

/**
 * The signal in the options of a statement; undefined if there is none.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION` for a signal that is none
 */
export function signalOf(options: unknown): AbortSignal | undefined {
  if (typeof options !== 'object' || options === null) return undefined
  const { signal } = options as { signal?: AbortSignal }
  if (signal === undefined) return undefined
  const isSignal =
    typeof signal === 'object' &&
    typeof signal?.aborted === 'boolean' &&
    typeof signal.addEventListener === 'function'
  if (!isSignal) throw invalidOption('signal', signal, 'an AbortSignal')
  return signal
}

/** Ends a lease when `signal` fires, and by that the statement on the server. Returns what stops that. */
export function endOnAbort(lease: Lease<Connection>, signal: AbortSignal): () => void {
  const onAbort = (): void => lease.destroy(new AbortedError(signal.reason))
  // It may have fired between the end of the wait and now.
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  return () => signal.removeEventListener('abort', onAbort)
}

/** The error of a statement as its caller gets it: of one that its signal has ended without effect, that it was aborted. */
export function explainAbort(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted !== true || !(error instanceof ConnectionLostError)) return error
  return new AbortedError(
    signal.reason,
    error.sent
      ? 'the statement was aborted by its signal and ended on the server; nothing of it was committed'
      : 'the statement was aborted by its signal before it was sent, so nothing came of it',
  )
}
