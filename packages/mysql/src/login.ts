import type { Connection } from 'mysql2'
import { hidePassword } from './followed-connection.js'
import { internalsOf } from './internals.js'
import type { Session } from './session.js'
import { setUp } from './session-start.js'

/** Logs in, and learns what has to be known of the session. Rejects with the signal's reason when that fires. */
export async function logIn(
  connection: Connection,
  session: Session,
  signal: AbortSignal,
): Promise<void> {
  let onAbort: (() => void) | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      onAbort = () => {
        reject(signal.reason)
        session.destroy()
      }
      signal.addEventListener('abort', onAbort, { once: true })
      connection.connect((error) => (error ? reject(error) : resolve()))
    })
    session.open()
    hidePassword(internalsOf(connection))
    await setUp(session)
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort)
  }
}

/** How many bytes have come so far, those of the TLS handshake too. */
export function bytesAtLogin(connection: Connection): () => number {
  const internals = internalsOf(connection)
  const first = internals.stream
  // TLS runs over the first socket by another.
  return () => {
    const { stream } = internals
    return (first.bytesRead ?? 0) + (stream === first ? 0 : (stream.bytesRead ?? 0))
  }
}
