import type { EventEmitter } from 'node:events'
import { inspect } from 'node:util'
import { type AddMethod, BorrowedListeners, type LeaseFence } from '@connmgr/core/driver'
import mysql2, { type Connection } from 'mysql2'
import promises from 'mysql2/promise'
import type { Command } from './internals.js'

type AnyFunction = (...args: unknown[]) => unknown
type Properties = Record<PropertyKey, unknown>

// What a handle knows. By symbols, so that it is no property of a connection's to anyone, and not private, as private
// members of a new object are slow to define in a process with much other code: there is a handle for each lease.
const CONNECTION = Symbol('connection of a handle')
const FENCE = Symbol('fence of a handle')
const LISTENERS = Symbol('listeners of a handle')

const ADDS: ReadonlySet<PropertyKey> = new Set<AddMethod>([
  'on',
  'addListener',
  'once',
  'prependListener',
  'prependOnceListener',
])
/** Say or do nothing that concerns the server. */
const HARMLESS: ReadonlySet<PropertyKey> = new Set([
  'escape',
  'escapeId',
  'eventNames',
  'format',
  'getMaxListeners',
  'listenerCount',
  'listeners',
  'raw',
  'rawListeners',
])
const SENDS: ReadonlySet<PropertyKey> = new Set(['query', 'execute'])
/** Refuse as they answer: by their callback. */
const ASYNCHRONOUS: ReadonlySet<PropertyKey> = new Set([
  'beginTransaction',
  'changeUser',
  'commit',
  'connect',
  'end',
  'ping',
  'prepare',
  'reset',
  'rollback',
])

/** Untyped by mysql2, though it exports them. */
const { createQuery, Connection: MysqlConnection } = mysql2 as unknown as {
  createQuery: (sql: unknown, values: unknown, callback: unknown, config: object) => Command
  Connection: { readonly prototype: object }
}
const { PromisePoolConnection } = promises as unknown as {
  PromisePoolConnection: new (connection: unknown, chosen?: PromiseConstructor) => object
}

/** Properties that each connection has of its own. */
let ownProperties: ReadonlySet<PropertyKey> | undefined

/**
 * A connection as one borrower has it: everything reaches the connection itself until the lease has ended, and is refused
 * from then on, also through the promise form, and through what was prepared. What the borrower leaves on the connection
 * goes: its listeners, and the methods that it replaced.
 *
 * What is called for most statements are methods. All else is found behind them, by a Proxy that stands where other classes
 * have the class that they extend: V8 looks up what is in front of it as fast as on any object, where a Proxy as the handle
 * itself takes some ten times as long for each property.
 */
export class LeasedConnection {
  static {
    declareProperties(LeasedConnection.prototype, [CONNECTION, FENCE, LISTENERS])
  }

  declare readonly [CONNECTION]: Connection
  declare readonly [FENCE]: LeaseFence
  declare [LISTENERS]: BorrowedListeners | undefined

  constructor(connection: Connection, fence: LeaseFence) {
    this[CONNECTION] = connection
    this[FENCE] = fence
    this[LISTENERS] = undefined
    ownProperties ??= new Set(Reflect.ownKeys(connection))
  }

  query(sql: unknown, values: unknown, callback: unknown): unknown {
    const fence = this[FENCE]
    if (!fence.active) return refuse(fence, 'query', [sql, values, callback])
    fence.noteUse(LeasedConnection.prototype.query)
    return (this[CONNECTION].query as AnyFunction)(sql, values, callback)
  }

  execute(sql: unknown, values: unknown, callback: unknown): unknown {
    const fence = this[FENCE]
    if (!fence.active) return refuse(fence, 'execute', [sql, values, callback])
    fence.noteUse(LeasedConnection.prototype.execute)
    return (this[CONNECTION].execute as AnyFunction)(sql, values, callback)
  }

  [inspect.custom](): Connection {
    return this[CONNECTION]
  }
}

/** What a handle has in common with its connection, but for its own methods. */
const rest: ProxyHandler<object> = {
  get(prototype, property, self: LeasedConnection): unknown {
    const connection = self[CONNECTION] as Connection | undefined
    if (connection === undefined) return Reflect.get(prototype, property, self)
    const value = Reflect.get(connection, property, connection) as unknown
    if (typeof value !== 'function' || property === 'constructor') return value
    const method = methodOf(self, property, value as AnyFunction)
    keep(self, property, method)
    return method
  },

  set(_prototype, property, value: unknown, self: LeasedConnection): boolean {
    const connection = self[CONNECTION]
    // What a pool, a cluster or a library puts onto its handle is not the next borrower's.
    if (
      typeof value === 'function' ||
      (connection as unknown as Properties)[property] !== undefined ||
      property === 'connection' ||
      property === '_clusterId'
    )
      return keep(self, property, value)
    if (!self[FENCE].active) throw self[FENCE].refuse()
    return Reflect.set(connection, property, value, connection)
  },

  has(prototype, property): boolean {
    return Reflect.has(prototype, property) || ownProperties?.has(property) === true
  },
}

Object.setPrototypeOf(
  LeasedConnection.prototype,
  new Proxy(Object.create(MysqlConnection.prototype) as object, rest),
)
// It is that of the connection.
delete (LeasedConnection.prototype as { constructor?: unknown }).constructor

/** Has assignments to these properties of a handle not reach for what stands behind its class. */
export function declareProperties(prototype: object, names: readonly symbol[]): void {
  for (const name of names)
    Object.defineProperty(prototype, name, { value: undefined, configurable: true, writable: true })
}

/** A handle for a connection. */
export function leasedConnection(connection: Connection, fence: LeaseFence): Connection {
  return new LeasedConnection(connection, fence) as unknown as Connection
}

/** The connection behind a handle; the connection itself if it is none. @throws LeaseReleasedError if the lease has ended */
export function connectionOf(handle: Connection): Connection {
  const { [CONNECTION]: connection, [FENCE]: fence } = handle as unknown as LeasedConnection
  if (connection === undefined) return handle
  if (!fence.active) throw fence.refuse()
  return connection
}

/** Gives a handle a property of its own, as a class would have it. */
function keep(handle: LeasedConnection, property: PropertyKey, value: unknown): boolean {
  return Reflect.defineProperty(handle, property, {
    value,
    configurable: true,
    enumerable: false,
    writable: true,
  })
}

/** A method of a connection as its handle has it. */
function methodOf(self: LeasedConnection, property: PropertyKey, method: AnyFunction): AnyFunction {
  const { [CONNECTION]: connection, [FENCE]: fence } = self
  if (HARMLESS.has(property)) return method.bind(connection)
  if (ADDS.has(property))
    return (event, listener) => listen(self, property as AddMethod, event as string, listener)
  if (property === 'off' || property === 'removeListener')
    return (event, listener) => {
      self[LISTENERS]?.remove(event as string, listener)
      return self
    }
  if (property === 'removeAllListeners')
    return (event) => {
      self[LISTENERS]?.removeAll(event as string | undefined)
      return self
    }
  if (property === 'promise')
    return (chosen) => new PromisePoolConnection(self, chosen as PromiseConstructor | undefined)
  if (property === 'prepare')
    return (options, callback) =>
      prepare(self, method, options, callback as AnyFunction | undefined)
  const call: AnyFunction = (...args) => {
    if (!fence.active) return refuse(fence, property, args)
    fence.noteUse(call)
    const result = Reflect.apply(method, connection, args)
    return result === connection ? self : result
  }
  return call
}

/** What is prepared leads back to the handle, for others use the same statement of the server. */
function prepare(
  self: LeasedConnection,
  method: AnyFunction,
  options: unknown,
  callback: AnyFunction | undefined,
): unknown {
  const { [CONNECTION]: connection, [FENCE]: fence } = self
  if (!fence.active) return refuse(fence, 'prepare', [options, callback])
  return Reflect.apply(method, connection, [
    options,
    (error: unknown, statement: object | undefined) =>
      callback?.(
        error,
        statement && Object.create(statement, { _connection: { value: self, writable: true } }),
      ),
  ])
}

function listen(
  self: LeasedConnection,
  method: AddMethod,
  event: string,
  listener: unknown,
): LeasedConnection {
  const fence = self[FENCE]
  if (!fence.active) throw fence.refuse()
  let listeners = self[LISTENERS]
  if (listeners === undefined) {
    const borrowed = new BorrowedListeners(self[CONNECTION] as unknown as EventEmitter)
    fence.onRelease(() => borrowed.removeAll())
    self[LISTENERS] = borrowed
    listeners = borrowed
  }
  listeners.add(method, event, listener, self)
  return self
}

/** Has a call of a released connection fail. */
function refuse(fence: LeaseFence, property: PropertyKey, args: readonly unknown[]): unknown {
  const sql = SENDS.has(property) ? textOfCall(args[0]) : undefined
  const error = fence.refuse(sql)
  const last = args.at(-1)
  if (property === 'addCommand') return refuseCommand(args[0] as Command, error)
  if (SENDS.has(property)) {
    const query =
      typeof (args[0] as Command | undefined)?.resultsetHeader === 'function'
        ? (args[0] as Command)
        : createQuery(args[0], args[1], args[2], {})
    return refuseCommand(query, error)
  }
  if (ASYNCHRONOUS.has(property) && typeof last === 'function') {
    process.nextTick(last as (error: unknown) => void, error)
    return undefined
  }
  throw error
}

/** Has a command fail in whichever way its caller would hear of it. */
function refuseCommand(command: Command, error: Error): Command {
  process.nextTick(() => {
    if (command.onResult !== undefined) command.onResult(error)
    else if (command.listenerCount('error') > 0) command.emit('error', error)
    command.emit('end')
  })
  return command
}

function textOfCall(given: unknown): string | undefined {
  if (typeof given === 'string') return given
  const { sql } = (given ?? {}) as { sql?: unknown }
  return typeof sql === 'string' ? sql : undefined
}
