import type { Client } from 'pg'
import { internalsOf } from './client-internals.js'

/**
 * Counts the bytes that the server has sent to a client so far, those of the TLS handshake too. To be called before the
 * client connects.
 */
export function countReceived(client: Client): () => number {
  const { connection } = internalsOf(client)
  const socket = connection?.stream
  // TLS runs over the first socket by another.
  return () => {
    const stream = connection?.stream
    return (socket?.bytesRead ?? 0) + (stream === socket ? 0 : (stream?.bytesRead ?? 0))
  }
}
