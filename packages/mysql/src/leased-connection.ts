import type { EventEmitter } from 'node:events'
import { type AddMethod, BorrowedListeners, type LeaseFence } from '@connmgr/core/driver'
import mysql2, { type Connection } from 'mysql2'
import promises from 'mysql2/promise'
import type { Command } from './internals.js'

type AnyFunction = (...args: unknown[]) => unknown
type Properties = Record<PropertyKey, unknown>

/** Leads from a handle to its connection. */
const CONNECTION = Symbol('connection of a handle')
/** Takes what makes the methods that a handle has in place of those of its connection. */
const METHODS = Symbol('methods of a handle')

/** Makes a method that a handle has beyond those of its connection, or in their place; undefined for any other name. */
export type MethodMaker = (name: PropertyKey) => ((...args: never[]) => unknown) | undefined

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
const { createQuery } = mysql2 as unknown as {
  createQuery: (sql: unknown, values: unknown, callback: unknown, config: object) => Command
}
const { PromisePoolConnection } = promises as unknown as {
  PromisePoolConnection: new (connection: unknown, chosen?: PromiseConstructor) => object
}

/**
 * A connection as one borrower has it: everything reaches the connection itself until the lease has ended, and is refused
 * from then on, also through the promise form, and through what was prepared. What the borrower leaves on the connection
 * goes: its listeners, and the methods that it replaced.
 */
export function leasedConnection(connection: Connection, fence: LeaseFence): Connection {
  return new Proxy(connection, new LeasedConnection(connection, fence))
}

/** The connection behind a handle; the connection itself if it is none. @throws LeaseReleasedError if the lease has ended */
export function connectionOf(handle: Connection): Connection {
  return ((handle as unknown as Properties)[CONNECTION] as Connection | undefined) ?? handle
}

/** Gives a handle methods of its own, each made when it is first asked for. */
export function giveMethods(handle: Connection, make: MethodMaker): void {
  ;(handle as unknown as Properties)[METHODS] = make
}

/** Its fields are set by the constructor for the reason given at `PoolStatement`: there is one for each lease. */
class LeasedConnection implements ProxyHandler<Connection> {
  declare private readonly connection: Connection
  declare private readonly fence: LeaseFence
  declare private self: Connection | undefined
  /** Methods of this handle, made when first asked for, and those that the borrower has put in their place. */
  declare private methods: Map<PropertyKey, unknown> | undefined
  declare private listeners: BorrowedListeners | undefined
  declare private make: MethodMaker | undefined

  constructor(connection: Connection, fence: LeaseFence) {
    this.connection = connection
    this.fence = fence
    this.self = undefined
    this.methods = undefined
    this.listeners = undefined
    this.make = undefined
  }

  get(connection: Connection, property: PropertyKey, self: Connection): unknown {
    this.self ??= self
    const own = this.methods?.get(property)
    if (own !== undefined) return own
    if (property === CONNECTION) {
      if (!this.fence.active) throw this.fence.refuse()
      return connection
    }
    const given = this.make?.(property)
    if (given !== undefined) {
      this.methods ??= new Map()
      this.methods.set(property, given)
      return given
    }
    const value = Reflect.get(connection, property, connection) as unknown
    if (typeof value !== 'function' || property === 'constructor') return value
    const method = this.#methodOf(property, value as AnyFunction)
    this.methods ??= new Map()
    this.methods.set(property, method)
    return method
  }

  set(connection: Connection, property: PropertyKey, value: unknown): boolean {
    if (property === METHODS) {
      this.make = value as MethodMaker
      return true
    }
    const present = (connection as unknown as Properties)[property]
    // What a pool, a cluster or a library puts onto its handle is not the next borrower's.
    if (
      typeof value === 'function' ||
      typeof present !== 'undefined' ||
      property === 'connection' ||
      property === '_clusterId'
    ) {
      this.methods ??= new Map()
      this.methods.set(property, value)
      return true
    }
    if (!this.fence.active) throw this.fence.refuse()
    return Reflect.set(connection, property, value, connection)
  }

  defineProperty(
    connection: Connection,
    property: PropertyKey,
    attributes: PropertyDescriptor,
  ): boolean {
    return 'value' in attributes
      ? this.set(connection, property, attributes.value)
      : Reflect.defineProperty(connection, property, attributes)
  }

  has(connection: Connection, property: PropertyKey): boolean {
    if (this.methods?.has(property) === true || this.make?.(property) !== undefined) return true
    return Reflect.has(connection, property)
  }

  #methodOf(property: PropertyKey, method: AnyFunction): AnyFunction {
    if (HARMLESS.has(property)) return method.bind(this.connection)
    if (ADDS.has(property)) return (event, listener) => this.#listen(property, event, listener)
    if (property === 'off' || property === 'removeListener')
      return (event, listener) => {
        this.listeners?.remove(event as string, listener)
        return this.self
      }
    if (property === 'removeAllListeners')
      return (event) => {
        this.listeners?.removeAll(event as string | undefined)
        return this.self
      }
    if (property === 'promise')
      return (chosen) =>
        new PromisePoolConnection(this.self, chosen as PromiseConstructor | undefined)
    if (property === 'prepare')
      return (options, callback) =>
        this.#prepare(method, options, callback as AnyFunction | undefined)
    const call: AnyFunction = (...args) => {
      if (!this.fence.active) return this.#refuse(property, args)
      this.fence.noteUse(call)
      const result = Reflect.apply(method, this.connection, args)
      return result === this.connection ? this.self : result
    }
    return call
  }

  /** What is prepared leads back to this handle, for others use the same statement of the server. */
  #prepare(method: AnyFunction, options: unknown, callback: AnyFunction | undefined): unknown {
    const args = [options, callback]
    if (!this.fence.active) return this.#refuse('prepare', args)
    return Reflect.apply(method, this.connection, [
      options,
      (error: unknown, statement: object | undefined) =>
        callback?.(
          error,
          statement &&
            Object.create(statement, { _connection: { value: this.self, writable: true } }),
        ),
    ])
  }

  #refuse(property: PropertyKey, args: readonly unknown[]): unknown {
    const sql = SENDS.has(property) ? textOfCall(args[0]) : undefined
    const error = this.fence.refuse(sql)
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

  #listen(method: PropertyKey, event: unknown, listener: unknown): unknown {
    if (!this.fence.active) throw this.fence.refuse()
    if (this.listeners === undefined) {
      const listeners = new BorrowedListeners(this.connection as unknown as EventEmitter)
      this.listeners = listeners
      this.fence.onRelease(() => listeners.removeAll())
    }
    this.listeners.add(method as AddMethod, event as string, listener, this.self)
    return this.self
  }
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
