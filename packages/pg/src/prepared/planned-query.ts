import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { PendingQuery } from '../client-internals.js'
import { describeRows } from '../rows/columns.js'
import { copyOf, type Field, type RowQuery } from '../rows/standard-query.js'
import type { Statement } from './statement-cache.js'
import type { Timing } from './times/timing.js'

/** The part of a connection of node-postgres that preparing takes. */
export interface PreparingConnection extends EventEmitter {
  readonly stream: Socket
  parsedStatements: Record<string, string>
  submittedNamedStatements: Record<string, string>
  parse(message: { text: string }): void
  close(message: { type: 'S'; name: string }): void
  describe(message: object): void
}

/** How a query is to run. */
export interface Plan {
  readonly wire: Wire
  readonly statement: Statement
  /** The server has confirmed that it is prepared. */
  readonly reused: boolean
  /** Of the transaction when it is sent: I outside of one. */
  readonly status: string | null | undefined
  /** What takes its time, where that is wanted. */
  readonly timing: Timing | undefined
  /** The server has refused it before it began, though it was prepared. */
  refused: boolean
}

/** May be run by a prepared statement; set by the session, on what it has been given to run. */
export const MAY_PREPARE = Symbol('may be prepared')
export const PLAN = Symbol('plan')

/** `pg.Query`, as far as preparing reads and changes it. */
export interface PlannedQuery extends PendingQuery {
  name?: unknown
  values?: unknown
  rows?: unknown
  portal?: unknown
  types?: unknown
  binary?: unknown
  queryMode?: unknown
  prepare?: (connection: unknown) => void
  handleRowDescription?: (message: { fields: readonly Field[] }) => void
  handleCommandComplete?: (...args: unknown[]) => void
  [MAY_PREPARE]?: boolean
  [PLAN]?: Plan | undefined
}

/** Has a query run by a statement under its name. */
export function plan(query: PlannedQuery, how: Plan): void {
  query[PLAN] = how
  query.name = how.statement.name
  query.prepare = prepareBy
  if (how.timing !== undefined) query.handleCommandComplete = endTiming
}

/** Has a query run as it would have run by itself. */
export function unplan(query: PlannedQuery): void {
  query[PLAN] = undefined
  query[MAY_PREPARE] = false
  query.name = undefined
  const own = query as Partial<PlannedQuery>
  delete own.prepare
  delete own.handleRowDescription
  delete own.handleCommandComplete
}

/** Whether a query runs by a statement that was prepared by itself. */
export function isPlanned(query: object): query is PlannedQuery & { [PLAN]: Plan } {
  return (query as PlannedQuery)[PLAN] !== undefined
}

/** Whether the server has refused a query before it began, because what was prepared for it does not fit any more. */
export function wasRefused(query: unknown): boolean {
  return (query as PlannedQuery)[PLAN]?.refused === true
}

/** Called by node-postgres as a method, in place of its own. */
function prepareBy(this: PlannedQuery): void {
  const { timing, wire, statement } = this[PLAN] as Plan
  const { fields } = statement
  timing?.begin()
  wire.sendClosings()
  wire.statement = statement
  if (fields === undefined) this.handleRowDescription = learnFields
  else if (fields !== null) describeRows(this as RowQuery, fields)
  wire.describes = fields === undefined
  const { prepare } = Object.getPrototypeOf(this) as Required<PlannedQuery>
  prepare.call(this, wire)
}

/** The server has come to the query, which was sent before. */
export function begun(query: PendingQuery | null | undefined): void {
  ;(query as PlannedQuery | null | undefined)?.[PLAN]?.timing?.begin()
}

function endTiming(this: PlannedQuery, ...args: unknown[]): void {
  this[PLAN]?.timing?.end()
  const { handleCommandComplete } = Object.getPrototypeOf(this) as Required<PlannedQuery>
  handleCommandComplete.apply(this, args)
}

function learnFields(this: PlannedQuery, message: { fields: readonly Field[] }): void {
  delete (this as Partial<PlannedQuery>).handleRowDescription
  const statement = this[PLAN]?.statement
  if (statement?.pooled === false) statement.fields = message.fields.map(copyOf)
  this.handleRowDescription?.(message)
}

/**
 * The connection as a query that is planned sees it: it adds the statement's mark to the text, does not have the server
 * describe again what is known, and tells here if its values could not be sent, for which node-postgres closes the statement.
 */
export interface Wire extends PreparingConnection {
  describes: boolean
  statement: Statement | undefined
  /** Closes on the server what has fallen out. */
  sendClosings(): void
}

/**
 * @param closings names of statements to close; emptied
 * @param onUnbound called when node-postgres closes the statement itself
 */
export function wireOf(
  connection: PreparingConnection,
  closings: string[],
  onUnbound: (statement: Statement) => void,
): Wire {
  const wire = Object.create(connection) as Wire
  wire.describes = true
  wire.statement = undefined
  wire.parse = (message) => {
    const mark = wire.statement?.mark
    connection.parse(mark ? { ...message, text: message.text + mark } : message)
  }
  wire.describe = (message) => {
    if (wire.describes) connection.describe(message)
  }
  wire.close = (message) => {
    if (wire.statement !== undefined) onUnbound(wire.statement)
    connection.close(message)
  }
  wire.sendClosings = () => {
    // As in `forgetUnbound`.
    if (closings.length === 0) return
    for (const name of closings) connection.close({ type: 'S', name })
    closings.length = 0
  }
  return wire
}
