import type { EventEmitter } from 'node:events'
import type { Client } from 'pg'
import { type ClientInternals, internalsOf } from './client-internals.js'

/** A connection of node-postgres, as far as it is used here. */
interface SendingConnection extends EventEmitter {
  parse?(message: { readonly text: string; readonly name?: unknown }, more?: boolean): void
  bind?(message: object, more?: boolean): void
}

/** Of what is freed at once: twice as much stays with the session from then on. */
const BYTES = 512 * 1024

/**
 * Planned, which takes and frees the memory, and not executed. Servers count and log what is executed, so that it appears in
 * neither their log nor pg_stat_statements.
 */
const TAKES_AND_FREES = `select pg_catalog.length(pg_catalog.repeat(' ', ${BYTES}))`
/** What the role of a session must be allowed to call for that, whichever role it becomes. */
export const MAY_TAKE_MEMORY = ['length(text)', 'repeat(text,integer)']
  .map((name) => `pg_catalog.has_function_privilege('public', 'pg_catalog.${name}', 'execute')`)
  .join(' and ')

/**
 * Has the session keep the memory that its statements free for those that follow. The C library of most servers (glibc) gives
 * it back to the system after each statement of which more than 128 kB are free at the end of the heap, and the next statement
 * has to take it again, page by page: joins of five tables took twice as long as without that. The limit is doubled over the
 * largest block that has been freed and that was too large for the heap (mallopt(3), M_MMAP_THRESHOLD), so it is enough to
 * free such a block once.
 *
 * The block is freed before the first statement that is sent when it may be, in the same packet, so that nothing waits for it.
 * To be called when the client has connected.
 *
 * @param may whether the server is known to be PostgreSQL, and to let every role do it
 */
export function keepMemory(client: Client, may: () => boolean): void {
  const internals = internalsOf(client)
  const connection = internals.connection as SendingConnection | undefined
  const { bind, parse } = connection ?? {}
  if (connection === undefined || parse === undefined || bind === undefined) return
  const takeAndFree = (): void => {
    parse.call(connection, { text: TAKES_AND_FREES })
    bind.call(connection, {})
  }
  connection.parse = (message, more) => {
    if (!may() || !isFree(internals)) {
      parse.call(connection, message, more)
      return
    }
    connection.parse = parse
    hideAnswers(connection)
    // It takes the place of a statement without a name, and nothing of a name is to be answered that is not prepared.
    if (!message.name) takeAndFree()
    parse.call(connection, message, more)
    if (message.name) takeAndFree()
  }
}

/** In a failed transaction all is refused. */
const FAILED = 'E'

/** Whether the statement that is being sent is the only one under way, and is not refused in any case. */
function isFree({ pipeline, _activeQuery, _sentQueryQueue, _txStatus }: ClientInternals): boolean {
  if (_txStatus === FAILED) return false
  return pipeline !== true || (!_activeQuery && (_sentQueryQueue?.length ?? 0) === 0)
}

/** Until the server is ready again, one answer of each kind is to what is sent here, and no query's. */
function hideAnswers(connection: SendingConnection): void {
  const { emit } = connection
  const hidden = new Set<string | symbol>(['parseComplete', 'bindComplete'])
  connection.emit = (event, ...args) => {
    if (hidden.delete(event)) return true
    if (event === 'readyForQuery') connection.emit = emit
    return emit.call(connection, event, ...args)
  }
}
