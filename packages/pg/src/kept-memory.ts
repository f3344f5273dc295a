import type { EventEmitter } from 'node:events'
import type { Client } from 'pg'
import { type ClientInternals, internalsOf } from './client-internals.js'
import { mayExecute } from './may-execute.js'

/** A connection of node-postgres, as far as it is used here. */
interface SendingConnection extends EventEmitter {
  parse?(message: { readonly text: string; readonly name?: unknown }, more?: boolean): void
  bind?(message: object, more?: boolean): void
  close?(message: { readonly type: 'P' }, more?: boolean): void
}

/**
 * In UTF-8 `lpad` takes four bytes for each, 512 kB, and fills one: each page that is filled costs the server a fault. Twice
 * what was taken stays with the session from then on. In encodings with one byte for each character it changes nothing.
 */
const CHARACTERS = 128 * 1024

/** Planned, which takes and frees the memory, and not executed: `log_statement` shows what is executed. */
const TAKES_AND_FREES = `select pg_catalog.length(pg_catalog.lpad('', ${CHARACTERS}, ' '))`
/** Whether every role may call that, whichever a session has at the time. */
export const MAY_TAKE_MEMORY = ['length(text)', 'lpad(text,integer,text)']
  .map((name) => mayExecute(name, 'public'))
  .join(' and ')

/**
 * Has the session keep the memory that its statements free for those that follow. The C library of most servers (glibc) gives
 * it back to the system after each statement of which more than 128 kB are free at the end of the heap, and the next statement
 * has to take it again, page by page: joins of five tables took twice as long as without that. The limit is doubled over the
 * largest block that has been freed and that was too large for the heap (mallopt(3), M_MMAP_THRESHOLD), so it is enough to
 * free such a block once.
 *
 * The block is freed before the first statement that is sent when it may be, in the same packet, so that it costs no round trip.
 * To be called when the client has connected.
 *
 * @param may whether the server is known to be PostgreSQL, and to let every role do it
 */
export function keepMemory(client: Client, may: () => boolean): void {
  const internals = internalsOf(client)
  const connection = internals.connection as SendingConnection | undefined
  const { bind, close, parse } = connection ?? {}
  if (!connection || !bind || !close || !parse) return
  const takeAndFree = (): void => {
    parse.call(connection, { text: TAKES_AND_FREES })
    bind.call(connection, {})
    // `pg_cursors` would show it to a statement that has a portal of its own.
    close.call(connection, { type: 'P' })
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
  const hidden = new Set<string | symbol>(['parseComplete', 'bindComplete', 'closeComplete'])
  connection.emit = (event, ...args) => {
    if (hidden.delete(event)) return true
    if (event === 'readyForQuery') connection.emit = emit
    return emit.call(connection, event, ...args)
  }
}
