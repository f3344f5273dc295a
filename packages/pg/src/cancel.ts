import { isIP, Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls'
import { systemClock } from '@connmgr/core/driver'
import type { Client } from 'pg'
import { internalsOf } from './client-internals.js'

const CANCEL_REQUEST_CODE = 80877102
const SSL_REQUEST_CODE = 80877103
/** For everything that it takes to cancel one statement. */
const PATIENCE_MS = 1000
const AGAIN_MS = 400
/** ReadyForQuery without the state of the transaction. */
const READY_FOR_QUERY = Buffer.from([0x5a, 0, 0, 0, 5])

/** Makes the socket that a client talks over, where that is not an ordinary one. */
export type OpenStream = (config: object) => Socket

/** Whose statement to cancel, and how its server is reached. */
export interface CancelTarget {
  readonly host: string
  readonly port: number
  /** The address that the session itself leads to: the name may lead elsewhere by now. */
  readonly address: string | undefined
  readonly processID: number
  readonly secretKey: number
  /** How the session is encrypted; false if it is not. */
  readonly ssl: boolean | ConnectionOptions
  /** Whether encryption begins without asking for it. */
  readonly direct: boolean
  readonly open: OpenStream | undefined
}

/** Undefined if the session cannot be named to its server. */
export function cancelTargetOf(client: Client, open?: OpenStream): CancelTarget | undefined {
  const { connection, processID, secretKey } = internalsOf(client)
  if (connection === undefined || processID == null || secretKey == null) return undefined
  const { ssl = false, sslNegotiation } = client as {
    ssl?: boolean | ConnectionOptions
    sslNegotiation?: string
  }
  const { host, port } = client
  return {
    host,
    port,
    address: connection.stream.remoteAddress,
    processID,
    secretKey,
    // What the session is, not what was wished for.
    ssl: connection.stream instanceof TLSSocket && ssl,
    direct: sslNegotiation === 'direct',
    open,
  }
}

/**
 * Has the server stop what a session runs that is about to be cut off, and resolves once that is done, or after a second.
 * What a pooler in between still has to pass on for a session is dropped when the session goes, so it has to stay that long.
 *
 * The two connections are not in order, so a first request may overtake a statement just sent, which would then run to
 * its end unread: it is followed by a second, unless the server has answered by then.
 *
 * @param stream of the session; nothing else may read from it any more
 */
export async function cancelRunning(target: CancelTarget, stream: Socket): Promise<void> {
  const over = pause(PATIENCE_MS)
  const answered = endOfStatement(stream)
  await Promise.race([sendCancel(target), over])
  const settled = await Promise.race([answered, pause(AGAIN_MS), over])
  if (settled !== 'ended') await Promise.race([sendCancel(target), over])
}

/**
 * Sends one cancel request, encrypted if the session is, and resolves when the server has closed the connection, which is
 * its only answer, or after a second. Never rejects: the statement of a server that cannot be reached cannot be
 * cancelled, and the engine knows of the server from elsewhere.
 */
export function sendCancel(target: CancelTarget): Promise<void> {
  return new Promise((resolve) => {
    const streams: Socket[] = []
    const finish = (): void => {
      systemClock.clearTimeout(timer)
      for (const each of streams) each.destroy()
      resolve()
    }
    const timer = systemClock.setTimeout(finish, PATIENCE_MS)
    const use = (stream: Socket): Socket => {
      streams.push(stream)
      stream.on('error', finish)
      stream.on('close', finish)
      stream.unref()
      return stream
    }
    // It stays open for the answer: a pooler may drop the request of a client that has gone.
    const request = (stream: Socket): void => {
      stream.write(cancelRequest(target))
      stream.resume()
    }
    const secure = (plain: Socket): void => {
      const stream = use(connectTls(tlsOptions(target, plain)))
      stream.once('secureConnect', () => request(stream))
    }
    try {
      const plain = use(target.open?.({}) ?? new Socket())
      plain.once('connect', () => {
        if (target.ssl === false) request(plain)
        else if (target.direct) secure(plain)
        else {
          plain.write(header(8, SSL_REQUEST_CODE))
          plain.once('data', (answer: Buffer) => {
            // Never in clear what the session itself would not have sent in clear.
            if (answer.toString('latin1') === 'S') secure(plain)
            else finish()
          })
        }
      })
      const { address, host, port } = target
      if (host.startsWith('/')) plain.connect(`${host}/.s.PGSQL.${port}`)
      else plain.connect(port, target.open === undefined ? (address ?? host) : host)
    } catch {
      finish()
    }
  })
}

function cancelRequest({ processID, secretKey }: CancelTarget): Buffer {
  const request = Buffer.concat([header(16, CANCEL_REQUEST_CODE), Buffer.alloc(8)])
  request.writeInt32BE(processID, 8)
  request.writeInt32BE(secretKey, 12)
  return request
}

function header(length: number, code: number): Buffer {
  const message = Buffer.alloc(8)
  message.writeInt32BE(length, 0)
  message.writeInt32BE(code, 4)
  return message
}

/** As node-postgres makes them for the session. */
function tlsOptions({ direct, host, ssl }: CancelTarget, socket: Socket): ConnectionOptions {
  return {
    socket,
    host,
    ...(typeof ssl === 'object' ? { ...ssl, ...secretsOf(ssl) } : {}),
    ...(direct ? { ALPNProtocols: ['postgresql'] } : {}),
    ...(isIP(host) === 0 ? { servername: host } : {}),
  }
}

/** node-postgres hides the key from enumeration. */
function secretsOf({ key }: ConnectionOptions): ConnectionOptions {
  return key === undefined ? {} : { key }
}

/** Resolves when the server says that it is ready for the next statement, or when the session has ended. */
function endOfStatement(stream: Socket): Promise<'ended'> {
  return new Promise((resolve) => {
    stream.on('data', (chunk: Buffer) => {
      if (chunk.subarray(-6, -1).equals(READY_FOR_QUERY)) resolve('ended')
    })
    stream.once('close', () => resolve('ended'))
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    systemClock.setTimeout(resolve, ms)
  })
}
