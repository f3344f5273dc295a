import type { EventEmitter } from 'node:events'
import { systemClock } from '@connmgr/core/driver'
import type { Client, QueryArrayResult } from 'pg'
import { isStatementError } from './classify.js'
import { type ClientInternals, internalsOf } from './client-internals.js'
import { QUERY_TIMEOUT } from './outcome/evidence.js'
import { unwrapped } from './unwrapped.js'

/** A row as the server wrote it: text, without any type parser. */
export type TextRow = readonly (string | null)[]

export interface OwnResult<R extends TextRow> {
  /** Of the last statement that returns rows. */
  readonly rows: R[]
  /** The command that the server says has run last, such as `ROLLBACK` where COMMIT was asked for. */
  readonly command: string | undefined
}

/** What node-postgres needs of a client to run a query that is not its own. */
interface Queue {
  readonly _queryQueue?: OwnQuery<TextRow>[]
  _pulseQueryQueue?(): void
}

/** The part of a connection of node-postgres that a query writes to. */
interface Wire {
  query(text: string): void
  sendCopyFail(message: string): void
  parse(statement: { name: string; text: string }): void
  bind(portal: { statement: string }): void
  execute(portal: object): void
  close(statement: { type: 'S'; name: string }): void
  sync(): void
}

/**
 * Runs a statement of ours on a client, straight through its queue: neither `query` of the client, which users and
 * instrumentation replace, nor parsers, row modes and time limits set for users' queries have a part in it.
 *
 * @param limitMs after which it rejects as node-postgres does at `query_timeout`; 0 for none
 * @param name under which it is prepared for this run; @default it is sent by the simple protocol
 */
export function runOwn<R extends TextRow>(
  client: Client,
  text: string,
  limitMs = 0,
  name?: string,
): Promise<OwnResult<R>> {
  const internals = internalsOf(client)
  const queue = client as unknown as Queue
  if (
    internals.connection === undefined ||
    queue._queryQueue === undefined ||
    queue._pulseQueryQueue === undefined
  )
    return runAsUser(client, text)
  const refusal = refusalOf(internals)
  if (refusal !== undefined) return Promise.reject(new Error(refusal))
  const query = new OwnQuery<R>(text, name)
  queue._queryQueue.push(query as unknown as OwnQuery<TextRow>)
  queue._pulseQueryQueue()
  return limitMs > 0 ? withinLimit(query, queue._queryQueue, limitMs) : query.done
}

/** As node-postgres does it: one that still waits is not sent any more. */
async function withinLimit<R extends TextRow>(
  query: OwnQuery<R>,
  queue: OwnQuery<TextRow>[],
  limitMs: number,
): Promise<OwnResult<R>> {
  const timer = systemClock.setTimeout(() => {
    const at = queue.indexOf(query as unknown as OwnQuery<TextRow>)
    if (at !== -1) queue.splice(at, 1)
    query.handleError(new Error(QUERY_TIMEOUT))
  }, limitMs)
  try {
    return await query.done
  } finally {
    systemClock.clearTimeout(timer)
  }
}

/** In the words of node-postgres, which tell what kind of failure it is. */
function refusalOf({ _ending, _queryable }: ClientInternals): string | undefined {
  if (_queryable === false) return 'Client has encountered a connection error and is not queryable'
  return _ending === true ? 'Client was closed and is not queryable' : undefined
}

/** For a client that keeps no queue, such as one over libpq. */
async function runAsUser<R extends TextRow>(client: Client, text: string): Promise<OwnResult<R>> {
  const asText = { getTypeParser: () => (value: string) => value }
  const query = { text, rowMode: 'array' as const, types: asText }
  const results: unknown = await baseQueryOf(client).call(client, query)
  const all = (Array.isArray(results) ? results : [results]) as QueryArrayResult[]
  const last = all.at(-1)
  const withRows = all.findLast(({ fields }) => fields.length > 0)
  return { rows: (withRows?.rows ?? []) as unknown as R[], command: last?.command }
}

/** `query` of the class at the bottom: what derives from it may have changed it. */
function baseQueryOf(client: Client): (query: object) => unknown {
  let found: unknown
  for (let each = Object.getPrototypeOf(client); each !== null; each = Object.getPrototypeOf(each))
    if (Object.hasOwn(each, 'query')) found = each.query
  return unwrapped(found as (query: object) => unknown)
}

/** A statement whose values come as text. node-postgres calls the methods. */
class OwnQuery<R extends TextRow> {
  readonly text: string
  readonly done: Promise<OwnResult<R>>
  /** As node-postgres has it on queries of its own: what the server has sent so far. */
  readonly _result: { command: string | null } = { command: null }
  readonly #name: string | undefined
  #rows: R[] = []
  #resolve!: (result: OwnResult<R>) => void
  #reject!: (error: unknown) => void

  constructor(text: string, name: string | undefined) {
    this.text = text
    this.#name = name
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  submit(wire: Wire): void {
    const name = this.#name
    if (name === undefined) {
      wire.query(this.text)
      return
    }
    wire.parse({ name, text: this.text })
    wire.bind({ statement: name })
    wire.execute({})
    wire.close({ type: 'S', name })
    wire.sync()
  }

  handleRowDescription(): void {
    this.#rows = []
  }

  handleDataRow({ fields }: { fields: R }): void {
    this.#rows.push(fields)
  }

  handleCommandComplete({ text }: { text: string }): void {
    this._result.command = text.split(' ', 1)[0] ?? null
  }

  handleEmptyQuery(): void {}

  handlePortalSuspended(): void {}

  handleCopyInResponse(wire: Wire): void {
    wire.sendCopyFail('nothing to copy')
  }

  handleCopyData(): void {}

  /** After an error the server still has to say that it is ready: until then the connection is not what it will be. */
  handleError(error: unknown, connection?: EventEmitter): void {
    if (connection === undefined || !isStatementError(error)) {
      this.#reject(error)
      return
    }
    const settle = (): void => {
      connection.off('readyForQuery', settle)
      connection.off('end', settle)
      this.#reject(error)
    }
    connection.on('readyForQuery', settle)
    connection.on('end', settle)
  }

  handleReadyForQuery(): void {
    this.#resolve({ rows: this.#rows, command: this._result.command ?? undefined })
  }
}
