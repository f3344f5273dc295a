import type { EventEmitter } from 'node:events'
import { type AddMethod, BorrowedListeners, type LeaseFence } from '@connmgr/core/driver'
import type { Client, PoolClient } from 'pg'
import { textOf } from './given-query.js'
import { fenceStatement } from './open-statement.js'
import { refuse } from './outcome/refusal.js'

type AnyFunction = (...args: unknown[]) => unknown
type Properties = Record<PropertyKey, unknown>

/** Leads from a handle to its client. */
const CLIENT = Symbol('client of a handle')

const ADDS: ReadonlySet<PropertyKey> = new Set<AddMethod>([
  'on',
  'addListener',
  'once',
  'prependListener',
  'prependOnceListener',
])
/** Say or do nothing that concerns the connection. */
const HARMLESS: ReadonlySet<PropertyKey> = new Set([
  'escapeIdentifier',
  'escapeLiteral',
  'eventNames',
  'getMaxListeners',
  'getTypeParser',
  'listenerCount',
  'listeners',
  'rawListeners',
])
/** Refuse as they answer: by their callback, or by a promise. */
const ASYNCHRONOUS: ReadonlySet<PropertyKey> = new Set(['connect', 'end'])
/** Switches of node-postgres that a borrower may set for itself. */
const SWITCHES: ReadonlySet<PropertyKey> = new Set(['binary', 'pipeline'])

/**
 * A client as one borrower has it: everything reaches the client itself until the lease has ended, and is refused from
 * then on. What the borrower leaves on the client goes: its listeners, type parsers, and the methods that it replaced. Other
 * properties that it sets stay, as flags of the physical connection. A Proxy, because it alone also catches what is set
 * and methods not known here; it costs about what an object that inherits from the client does.
 */
export function leasedClient(client: Client, fence: LeaseFence): Client {
  return new Proxy(client, new LeasedClient(client, fence, undefined))
}

/** The same as a pool hands it out: with its `release`. */
export function pooledClient(
  client: Client,
  fence: LeaseFence,
  release: PoolClient['release'],
): PoolClient {
  return new Proxy(client, new LeasedClient(client, fence, release)) as PoolClient
}

/** The client behind a handle; the client itself if it is none. @throws LeaseReleasedError if the lease has ended */
export function clientOf(handle: Client): Client {
  return ((handle as unknown as Properties)[CLIENT] as Client | undefined) ?? handle
}

class LeasedClient implements ProxyHandler<Client> {
  readonly #client: Client
  readonly #fence: LeaseFence
  #self: Client | undefined
  #query: AnyFunction | undefined
  /** Of each handle of a pool, and called once: a Map for it alone would take longer than the rest of the handle. */
  #release: unknown
  /** Methods of this handle, made when first asked for, and those that the borrower has put in their place. */
  #methods: Map<PropertyKey, unknown> | undefined
  #listeners: BorrowedListeners | undefined
  #undo: (() => void)[] | undefined

  constructor(client: Client, fence: LeaseFence, release: unknown) {
    this.#client = client
    this.#fence = fence
    this.#release = release
  }

  get(client: Client, property: PropertyKey, self: Client): unknown {
    // A library may have put an object before the handle, which then inherits from it.
    this.#self ??= self
    if (property === 'release' && this.#release !== undefined) return this.#release
    // Asked for each promise that the handle passes; a client is none.
    if (property === 'then') return undefined
    const own = this.#methods?.get(property)
    if (own !== undefined) return own
    if (property === 'query') {
      this.#query ??= this.#sender()
      return this.#query
    }
    if (property === CLIENT || property === 'connection') this.#refuseIfEnded()
    if (property === CLIENT) return client
    const value = Reflect.get(client, property, client) as unknown
    if (
      typeof value !== 'function' ||
      property === 'constructor' ||
      Object.hasOwn(client, property)
    )
      return value
    const method = this.#methodOf(property, value as AnyFunction)
    this.#methods ??= new Map()
    this.#methods.set(property, method)
    return method
  }

  set(client: Client, property: PropertyKey, value: unknown): boolean {
    if (property === 'release') {
      this.#release = value
      return true
    }
    const present = (client as unknown as Properties)[property]
    if (typeof present === 'function' && typeof value === 'function') {
      this.#methods ??= new Map()
      this.#methods.set(property, value)
      return true
    }
    this.#refuseIfEnded()
    if (SWITCHES.has(property))
      this.#leaveBehind(() => {
        ;(client as unknown as Properties)[property] = present
      })
    return Reflect.set(client, property, value, client)
  }

  defineProperty(client: Client, property: PropertyKey, attributes: PropertyDescriptor): boolean {
    if ('value' in attributes && attributes.configurable !== false)
      return this.set(client, property, attributes.value)
    this.#refuseIfEnded()
    return Reflect.defineProperty(client, property, attributes)
  }

  deleteProperty(client: Client, property: PropertyKey): boolean {
    if (property === 'release' && this.#release !== undefined) {
      this.#release = undefined
      return true
    }
    if (this.#methods?.delete(property) === true) return true
    this.#refuseIfEnded()
    return Reflect.deleteProperty(client, property)
  }

  has(client: Client, property: PropertyKey): boolean {
    if (property === 'release' && this.#release !== undefined) return true
    return this.#methods?.has(property) === true || Reflect.has(client, property)
  }

  /**
   * Made here, and not where it is set: V8 takes a function that is written right of an assignment to a property for a method,
   * makes it in the memory of what is old (`CheckAssigningFunctionLiteralToProperty` of its parser), and all that it leads to
   * stays until that is collected. There is one for each lease.
   */
  #sender(): AnyFunction {
    return (...args) => this.#send(args)
  }

  #send(args: unknown[]): unknown {
    if (!this.#fence.active) return refuse(args, this.#fence.refuse(textOf(args[0])))
    fenceStatement(args[0], this.#fence)
    this.#fence.noteUse(this.#query as AnyFunction)
    return (this.#client.query as AnyFunction)(...args)
  }

  #methodOf(property: PropertyKey, method: AnyFunction): AnyFunction {
    if (HARMLESS.has(property)) return method.bind(this.#client)
    if (ADDS.has(property)) return (event, listener) => this.#listen(property, event, listener)
    if (property === 'off' || property === 'removeListener')
      return (event, listener) => this.#stopListening(event, listener)
    if (property === 'removeAllListeners') {
      return (event) => {
        this.#listeners?.removeAll(event as string | undefined)
        return this.#self
      }
    }
    return (...args) => {
      if (!this.#fence.active) {
        const error = this.#fence.refuse()
        if (ASYNCHRONOUS.has(property)) return refuse(args, error)
        throw error
      }
      if (property === 'setTypeParser') this.#keepTypeParsers()
      const result = Reflect.apply(method, this.#client, args)
      return result === this.#client ? this.#self : result
    }
  }

  #listen(method: PropertyKey, event: unknown, listener: unknown): unknown {
    this.#refuseIfEnded()
    if (this.#listeners === undefined) {
      const listeners = new BorrowedListeners(this.#client as unknown as EventEmitter)
      this.#listeners = listeners
      this.#leaveBehind(() => listeners.removeAll())
    }
    this.#listeners.add(method as AddMethod, event as string, listener, this.#self)
    return this.#self
  }

  #stopListening(event: unknown, listener: unknown): unknown {
    this.#listeners?.remove(event as string, listener)
    return this.#self
  }

  #keepTypeParsers(): void {
    const { _types: types } = this.#client as unknown as {
      _types?: { text: object; binary: object }
    }
    if (types === undefined) return
    const kept = { text: { ...types.text }, binary: { ...types.binary } }
    this.#leaveBehind(() => Object.assign(types, kept))
  }

  /** Has something undone when the connection goes back. The latest is undone first. */
  #leaveBehind(undo: () => void): void {
    if (this.#undo === undefined) {
      const undos: (() => void)[] = []
      this.#undo = undos
      this.#fence.onRelease(() => {
        for (const each of undos.reverse()) each()
      })
    }
    this.#undo.push(undo)
  }

  #refuseIfEnded(): void {
    if (!this.#fence.active) throw this.#fence.refuse()
  }
}
