import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { connect } from 'node:net'
import { UnreachableError } from '../exit-code.js'
import { type ProcessSnapshot, SNAPSHOT_SCHEMA_VERSION } from '../snapshot/snapshot.js'
import type { Place } from './locate.js'

const PATH = '/v1/snapshot'
/** More than a process with a thousand holders sends. */
const MOST_BYTES = 64 * 1024 * 1024

/**
 * Reads the state of a process.
 *
 * @throws UnreachableError if it cannot be reached, refuses, or speaks another version
 */
export async function fetchSnapshot(place: Place, signal: AbortSignal): Promise<ProcessSnapshot> {
  const { body, status } = await exchange(place, signal)
  if (status === 401)
    throw new UnreachableError('the process refuses the token; give the one of its serveInspection')
  if (status !== 200)
    throw new UnreachableError(`the process answers ${status}: ${body.slice(0, 200)}`)
  let snapshot: ProcessSnapshot | undefined
  try {
    snapshot = JSON.parse(body) as ProcessSnapshot
  } catch {
    throw new UnreachableError('what answers there is no inspection of connmgr')
  }
  if (snapshot?.schemaVersion !== SNAPSHOT_SCHEMA_VERSION)
    throw new UnreachableError(
      `the process speaks version ${snapshot?.schemaVersion} of the snapshot, and this program ${SNAPSHOT_SCHEMA_VERSION}; use the same version of @connmgr/cli`,
    )
  return snapshot
}

/** Whether a process listens on a socket. */
export function isAlive(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket)
    connection.once('connect', () => {
      connection.destroy()
      resolve(true)
    })
    connection.once('error', () => resolve(false))
  })
}

function exchange(place: Place, signal: AbortSignal): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(unreachable(place, signal, error))
    const send = 'url' in place && place.url.protocol === 'https:' ? requestHttps : requestHttp
    const target =
      'socket' in place
        ? { socketPath: place.socket, path: PATH }
        : {
            // Brackets belong to the URL, and not to the address.
            hostname: place.url.hostname.replace(/^\[|\]$/g, ''),
            port: place.url.port,
            path: place.url.pathname.replace(/\/$/, '') + PATH,
            headers: { authorization: `Bearer ${place.token}` },
          }
    const request = send({ ...target, signal, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
        if (body.length > MOST_BYTES) response.destroy(new Error('the answer is too long'))
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      response.on('error', fail)
    })
    request.on('error', fail)
    request.end()
  })
}

function unreachable(place: Place, signal: AbortSignal, error: NodeJS.ErrnoException): Error {
  const where = 'socket' in place ? place.socket : place.url.origin
  const reason =
    signal.aborted && signal.reason instanceof Error ? signal.reason.message : error.message
  const hints: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such socket: the process has not called serveInspection, or has ended',
    ECONNREFUSED: 'nothing listens there: the process has ended',
    EACCES: 'the socket belongs to another user; run this as the user of the process',
  }
  return new UnreachableError(`${where} cannot be reached: ${hints[error.code ?? ''] ?? reason}`)
}
