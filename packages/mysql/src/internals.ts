import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { Connection } from 'mysql2'

/** A packet of the server, as mysql2 hands it around. Reading it moves its offset. */
export interface Packet {
  readonly buffer: Buffer
  readonly offset: number
  readonly end: number
}

type Step = (packet: Packet | undefined, connection: Internals) => Step | null | false | undefined

/** A command of mysql2: a state machine whose steps are methods of its class. */
export interface Command extends EventEmitter {
  /** The step that the next packet goes to; null before it has begun. */
  next?: Step | null | undefined
  start?: Step
  /** Of a Query and an Execute. */
  sql?: string | undefined
  /** Of a Prepare. */
  query?: unknown
  values?: unknown
  /** Of an Execute: its values. */
  parameters?: unknown
  statement?: { readonly query?: string; readonly id?: number } | undefined
  onResult?: ((error: unknown, ...results: unknown[]) => void) | undefined
  _queryOptions?: { readonly sql?: unknown; readonly values?: unknown } | undefined
  _connection?: unknown
  resultsetHeader?: Step
  row?: Step
  infileOk?: Step
  pingResponse?: Step
  resetConnectionResponse?: Step
  handshakeResult?: Step
  prepareHeader?: Step
}

/** What of a connection's insides is relied on. Each is looked at with care: another version may have it otherwise. */
export interface Internals extends EventEmitter {
  readonly config: Record<string, unknown>
  stream: Socket
  threadId: number | null
  authorized?: boolean
  _command?: Command | null | undefined
  /** Prepared statements by their keys. */
  _statements?: { get(key: string): unknown } | undefined
  _commands?: { readonly length: number; shift(): Command | undefined } | undefined
  _paused?: boolean
  _closing?: boolean
  _fatalError?: Error | null
  _protocolError?: Error | null
  _isMariaDB?: boolean
  _handshakePacket?: { readonly serverVersion?: string; readonly connectionId?: number } | null
  _resetSequenceId?(): void
  addCommand(command: Command): Command
  handlePacket(packet?: Packet): void
  write(buffer: Buffer): void
  /** Puts values into a text. */
  format(sql: string, values: unknown): string
}

export function internalsOf(connection: Connection): Internals {
  return connection as unknown as Internals
}

/** Whether instrumentation has wrapped what sends a connection's statements, as shimmer does, which OpenTelemetry uses. */
export function isInstrumented(internals: Internals): boolean {
  const { query } = internals as unknown as { query: { readonly __original?: unknown } }
  return query.__original !== undefined
}

/** What a command asks the server to do, in terms that decide whether and how it is followed. */
export type CommandKind = 'statement' | 'prepare' | 'reset' | 'login' | 'other'

/** By the steps that a command has: its class has another name in a bundle. */
export function kindOf(command: Command): CommandKind {
  if (typeof command.resultsetHeader === 'function') return 'statement'
  if (typeof command.prepareHeader === 'function') return 'prepare'
  if (typeof command.resetConnectionResponse === 'function') return 'reset'
  return typeof command.handshakeResult === 'function' ? 'login' : 'other'
}

/**
 * The text of a statement, as its caller wrote it. Values that were put into it cannot change what it does, except if one
 * of them is SQL of its own.
 */
export function textOf(command: Command): string | undefined {
  const { _queryOptions: options, sql, statement } = command
  if (options !== undefined && typeof options.sql === 'string' && !hasRawValue(options.values))
    return options.sql
  if (typeof sql === 'string') return sql
  const { query } = statement ?? command
  return typeof query === 'string' ? query : undefined
}

/** A text that does alone what a statement does, with its values in it. */
export function repeatableTextOf(command: Command, internals: Internals): string | undefined {
  const { _queryOptions: options, parameters, sql, statement } = command
  if (options !== undefined) return sql
  const text = sql ?? statement?.query
  return text === undefined || parameters === undefined ? text : internals.format(text, parameters)
}

/** Whether there is a value that writes itself into the text, as those of `mysql2.raw()`. */
function hasRawValue(values: unknown): boolean {
  if (typeof values !== 'object' || values === null) return false
  for (const value of Array.isArray(values) ? values : Object.values(values)) {
    if (typeof value !== 'object' || value === null || value instanceof Date) continue
    if (Buffer.isBuffer(value)) continue
    if (typeof value.toSqlString === 'function' || hasRawValue(value)) return true
  }
  return false
}
