import type { TLSSocket } from 'node:tls'
import type { TlsFacts } from './opened.js'

/** What a socket shows of its encryption. */
export function tlsOf(socket: TLSSocket): TlsFacts {
  const ends = Date.parse(socket.getPeerCertificate().valid_to)
  const protocol = socket.getProtocol()
  return {
    encrypted: true,
    verified: socket.authorized,
    ...(protocol === null ? {} : { protocol }),
    ...(Number.isNaN(ends) ? {} : { certificateEnds: new Date(ends).toISOString() }),
  }
}
