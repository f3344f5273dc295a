import { connect } from 'node:net'
import { systemClock } from '@connmgr/core'

const CANCEL_REQUEST_CODE = 80877102
const CANCEL_REQUEST_LENGTH = 16
const PATIENCE_MS = 1000
const AGAIN_MS = 500

/** Whose statement to cancel. */
export interface CancelTarget {
  readonly host: string
  readonly port: number
  readonly processID: number
  readonly secretKey: number
}

/**
 * Asks the server to stop what a session is running, over a connection of its own, as the protocol wants it. Nobody
 * waits for the outcome: the server answers nothing, and the session is about to be cut off anyway.
 *
 * Asks twice: the two connections are not in order, so the first request may overtake a statement just sent, which would
 * then run to its end with nobody left to read it. One that comes too late does no harm, as its key no longer fits.
 */
export function requestCancel(target: CancelTarget): void {
  sendCancel(target)
  systemClock.setTimeout(() => sendCancel(target), AGAIN_MS)
}

/** Asks once. */
export function sendCancel({ host, port, processID, secretKey }: CancelTarget): void {
  const request = Buffer.alloc(CANCEL_REQUEST_LENGTH)
  request.writeInt32BE(CANCEL_REQUEST_LENGTH, 0)
  request.writeInt32BE(CANCEL_REQUEST_CODE, 4)
  request.writeInt32BE(processID, 8)
  request.writeInt32BE(secretKey, 12)
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
  // If the server cannot be reached, then the statement cannot be cancelled; the engine knows the server's state
  // from elsewhere.
  socket.on('error', () => socket.destroy())
  socket.setTimeout(PATIENCE_MS, () => socket.destroy())
  socket.unref()
  socket.end(request)
}
