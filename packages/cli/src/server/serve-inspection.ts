import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { redactText } from '@connmgr/core'
import { messageOf, toError } from '@connmgr/core/driver'
import { takeSnapshot } from '../snapshot/take-snapshot.js'
import { type GivenInsights, type InspectedManagers, insightsOf, managersOf } from './given.js'
import { listenOnSocket } from './listen-on-socket.js'
import { listening } from './listening.js'
import { makeSocketFolder, socketFolder, socketOf } from './socket-path.js'
import { bears, requireToken } from './token.js'

/** Where the state can be read, and by whom. */
export interface InspectionOptions {
  /**
   * A Unix socket of mode 0600: this user, and root, may connect. `@default` one by the process id where `connmgr top` finds
   * it, unless there is a `port`
   */
  readonly path?: string
  /** A TCP port, beside the socket or instead of it; 0 for any free one. It needs a `token`. `@default` none */
  readonly port?: number
  /** `@default` 127.0.0.1 */
  readonly host?: string
  /** What requests to the port have to bear, at least 16 characters. */
  readonly token?: string
  /** What `insights(manager)` returned, or a list of that, or an object of that by the names of managers. `@default` none */
  readonly insights?: GivenInsights
  /** Called with what goes wrong in the background; it never harms the process. `@default` nothing */
  readonly onError?: (error: Error) => void
}

/** An inspection that is being served. */
export interface Inspection {
  /** The path of the socket; undefined without one. */
  readonly path: string | undefined
  /** `http://127.0.0.1:PORT`; undefined without a port. */
  readonly url: string | undefined
  /** Ends it, and removes the socket. Closing a manager does not. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const SNAPSHOT_PATH = '/v1/snapshot'
/** A client that sends its request more slowly is cut off. */
const REQUEST_TIMEOUT_MS = 5000

/**
 * Lets `connmgr top` and `connmgr report` read the state of managers: over a Unix socket that this user alone may connect to,
 * or over a port with a token. It only reads, borrows no connection, costs nothing between two looks, and keeps no process
 * running.
 *
 * @param managers `@default` all managers of the process, also those that are made later
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION` for something else than managers and their insights
 * @throws Error if the socket or the port is taken, or there is no token beside a port
 *
 * @example
 * const inspection = await serveInspection()
 * // npx @connmgr/cli top
 * await inspection.close()
 */
export async function serveInspection(
  managers?: InspectedManagers,
  options: InspectionOptions = {},
): Promise<Inspection> {
  const { host = '127.0.0.1', insights, onError, port } = options
  const report = (error: Error): void => reportTo(onError, error)
  const token = port === undefined ? undefined : requireToken(options.token)
  const inspected = managersOf(managers)
  const knownOf = insightsOf(insights)
  const take = () => takeSnapshot(inspected(), knownOf)
  const servers: Server[] = []
  const serve = (required: string | undefined): Server => {
    const server = createInspectionServer(take, required, report)
    servers.push(server)
    return server
  }
  let remove: (() => void) | undefined
  let url: string | undefined
  const file = pathOf(options)
  const close = async (): Promise<void> => {
    remove?.()
    remove = undefined
    await Promise.all(servers.map(closeServer))
  }
  try {
    if (file !== undefined) remove = await listenOnSocket(serve(undefined), file)
    if (port !== undefined) {
      const server = serve(token)
      await listening(server, { port, host })
      const { address, family, port: taken } = server.address() as AddressInfo
      url = `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`
    }
  } catch (error) {
    await close()
    throw error
  }
  for (const server of servers) server.on('error', report)
  return { path: file, url, close, [Symbol.asyncDispose]: close }
}

/** Nothing of what goes wrong in the background reaches the process, a callback that throws neither. */
function reportTo(onError: InspectionOptions['onError'], error: Error): void {
  try {
    onError?.(error)
  } catch {
    // The failure was reported; more cannot be done.
  }
}

function pathOf({ path: given, port }: InspectionOptions): string | undefined {
  if (given !== undefined) return path.resolve(given)
  if (port !== undefined) return undefined
  makeSocketFolder(socketFolder())
  return socketOf(process.pid)
}

function createInspectionServer(
  take: () => Promise<unknown>,
  token: string | undefined,
  report: (error: Error) => void,
): Server {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    answer(request, response, token, take).catch((error: unknown) => {
      send(response, 500, { error: redactText(messageOf(error)) })
      report(toError(error))
    })
  })
  server.unref()
  server.on('connection', (socket) => socket.unref())
  return server
}

async function answer(
  { headers, method, url }: IncomingMessage,
  response: ServerResponse,
  token: string | undefined,
  take: () => Promise<unknown>,
): Promise<void> {
  if (token !== undefined && !bears(headers.authorization, token))
    send(response, 401, { error: 'the request bears no token, or a wrong one' })
  else if (url !== SNAPSHOT_PATH) send(response, 404, { error: `there is ${SNAPSHOT_PATH} alone` })
  else if (method !== 'GET') send(response, 405, { error: 'GET is the only method' })
  else send(response, 200, await take())
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  })
  response.end(text)
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
