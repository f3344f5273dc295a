import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { ClientBase } from 'pg'

/** What an error or a notice of the server, or of a proxy before it, has beyond `Error`. */
export interface ServerMessage {
  readonly message?: string
  readonly code?: string
  readonly severity?: string
  /** Where in PostgreSQL's source it was raised. */
  readonly routine?: string
  /** Of what the server has sent, in bytes. */
  readonly length?: number
}

/** A query of node-postgres, or whatever else it was given to run, until it has ended. */
export interface PendingQuery {
  readonly text?: unknown
  /** What the server has sent of it so far. */
  readonly _result?: { readonly command?: string | null }
  submit?: (connection: unknown) => Error | null | undefined
  callback?: (error: unknown, ...rest: unknown[]) => void
  handleError?: (error: unknown, connection: unknown) => void
  handleReadyForQuery?: (connection: unknown) => void
}

/**
 * What node-postgres keeps on a client beyond its documented surface, as far as it tells the state of a connection.
 * Read in pg 8.17 to 8.23, and supplied for those from 8.11 on; every field is optional, because another client class may
 * lack it.
 */
export interface ClientInternals {
  readonly connection?: EventEmitter & {
    readonly stream: Socket
    /** Whether there are listeners to each message. */
    readonly _emitMessage?: boolean
    /** Called once for the stream that messages of the server come by. */
    attachListeners?: (stream: Pick<EventEmitter, 'on'>) => void
  }
  readonly processID?: number | null
  readonly secretKey?: number | null
  /** True between two statements. */
  readonly readyForQuery?: boolean
  readonly _activeQuery?: PendingQuery | null
  readonly _queryQueue?: PendingQuery[]
  readonly _sentQueryQueue?: readonly PendingQuery[]
  readonly _queryable?: boolean
  readonly _ending?: boolean
  /** Sends queries without waiting for the answers to those before. */
  readonly pipeline?: boolean
  readonly _ended?: boolean
  /** What it makes its promises by. */
  readonly _Promise?: PromiseConstructor
  readonly connectionParameters?: { readonly query_timeout?: number | string | false }
  /** The status byte of the last ReadyForQuery: I idle, T in a transaction, E in a failed one. */
  readonly _txStatus?: string | null
}

export function internalsOf(client: ClientBase): ClientInternals {
  return client as unknown as ClientInternals
}

/**
 * Gives a client of an older node-postgres what it lacks of the internals: below 8.17 they have other names, and below
 * 8.21 it does not keep the status of the transaction. Called before the client connects.
 */
export function supplyInternals(client: ClientBase): void {
  if (!('_activeQuery' in client) && 'queryQueue' in client) {
    const old = client as unknown as OldInternals
    Object.defineProperties(client, {
      _activeQuery: { get: () => old.activeQuery },
      _queryQueue: { get: () => old.queryQueue },
    })
  }
  if ('_txStatus' in client) return
  Object.defineProperty(client, '_txStatus', { value: null, writable: true })
  // Before node-postgres, which listens from `connect` on, and goes on with the next query at once.
  internalsOf(client).connection?.on('readyForQuery', ({ status }: { status?: string }) =>
    Object.assign(client, { _txStatus: status ?? null }),
  )
}

/** The names below pg 8.17. */
interface OldInternals {
  readonly activeQuery?: PendingQuery | null
  readonly queryQueue: PendingQuery[]
}

/** From now on the client refuses every query. */
export function markDead(client: ClientBase): void {
  Object.assign(client, { _queryable: false })
}

/** True if whatever this client is given next is refused without being sent. */
export function isDead(client: ClientBase): boolean {
  const { connection, _ending, _queryable } = internalsOf(client)
  return _queryable === false || _ending === true || connection?.stream.destroyed === true
}
