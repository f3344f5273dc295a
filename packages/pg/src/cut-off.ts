import type { Client } from 'pg'
import { cancelRunning, cancelTargetOf, type OpenStream } from './cancel.js'
import { type ClientInternals, internalsOf, markDead } from './client-internals.js'

/**
 * Closes the connection of a client without a goodbye. A statement that the server still runs is cancelled first.
 *
 * @param reason what the client's users hear
 * @param running whether the server runs a statement
 * @param openStream how its socket was made, if by a function of the user's
 */
export function cutOff(
  client: Client,
  reason: Error | undefined,
  running: boolean,
  openStream: OpenStream | undefined,
): void {
  const { connection } = internalsOf(client)
  if (connection === undefined || connection.stream.destroyed) return
  // Begins as node-postgres would put it, so that code that goes by its words understands.
  const error = reason && new Error(`Connection terminated: ${reason.message}`, { cause: reason })
  const target = running ? cancelTargetOf(client, openStream) : undefined
  if (target === undefined) {
    connection.stream.destroy(error)
    return
  }
  const { stream } = connection
  abandon(client, connection, error)
  void cancelRunning(target, stream).then(() => stream.destroy())
}

/** For its users the client is dead from now on, while its socket stays until its statement has been cancelled. */
function abandon(
  client: Client,
  connection: NonNullable<ClientInternals['connection']>,
  error: Error | undefined,
): void {
  const { stream } = connection
  stream.removeAllListeners('data')
  stream.resume()
  stream.unref()
  markDead(client)
  // As when a socket is destroyed, users hear of it once this has returned.
  process.nextTick(() => {
    if (error !== undefined) connection.emit('error', error)
    connection.emit('end')
  })
}
