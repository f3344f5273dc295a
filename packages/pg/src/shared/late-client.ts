import { EventEmitter } from 'node:events'
import { UnsupportedError } from '@connmgr/core'
import type { FunctionReference } from '@connmgr/core/driver'
import type { PoolClient } from 'pg'
import { refuse } from '../outcome/refusal.js'
import { type LateHost, LateSession } from './late-session.js'

type AnyFunction = (...args: unknown[]) => unknown

const ADDS: ReadonlySet<PropertyKey> = new Set([
  'on',
  'addListener',
  'once',
  'prependListener',
  'prependOnceListener',
])
const REMOVES: ReadonlySet<PropertyKey> = new Set(['off', 'removeAllListeners', 'removeListener'])
/** What else concerns listeners. */
const OF_EVENTS: ReadonlySet<PropertyKey> = new Set([
  'emit',
  'eventNames',
  'getMaxListeners',
  'listenerCount',
  'listeners',
  'rawListeners',
  'setMaxListeners',
  ...REMOVES,
])
/** Need no connection. */
const PURE: ReadonlySet<PropertyKey> = new Set(['escapeIdentifier', 'escapeLiteral'])
/** Return nothing, and so may be done once there is a connection. */
const DONE_LATER: ReadonlySet<PropertyKey> = new Set(['ref', 'setTypeParser', 'unref'])
/** What node-postgres keeps of the connection, or of the server that it leads to. */
const OF_THE_CONNECTION: ReadonlySet<PropertyKey> = new Set([
  '_activeQuery',
  '_connected',
  '_connecting',
  '_ended',
  '_ending',
  '_queryQueue',
  '_queryable',
  '_sentQueryQueue',
  '_txStatus',
  '_types',
  'activeQuery',
  'binary',
  'connection',
  'connectionParameters',
  'database',
  'encoding',
  'host',
  'password',
  'pipeline',
  'port',
  'processID',
  'queryQueue',
  'readyForQuery',
  'replication',
  'secretKey',
  'ssl',
  'user',
])

/**
 * A client that borrows its connection when something first needs one. Until then its fields that tell of a connection
 * are refused; from then on it is the client of that connection.
 *
 * @param prototype of the class of clients
 */
export function lateClient(prototype: object, host: LateHost): PoolClient {
  return new Proxy(Object.create(prototype) as PoolClient, new LateClient(host))
}

// Made here, and not where they are set, for the reason given at `LeasedClient`.

function querying(session: LateSession): AnyFunction {
  return (...args) => session.query(args)
}

function releasing(session: LateSession): PoolClient['release'] {
  return (error) => session.release(error)
}

class LateClient implements ProxyHandler<PoolClient> {
  readonly #session: LateSession
  readonly #query: AnyFunction
  readonly #release: PoolClient['release']
  /** Listeners, until there is a client to listen to. */
  #events: EventEmitter | undefined
  /** To be done to the client first. */
  #postponed: ((client: PoolClient) => void)[] | undefined
  /** What the borrower has set. */
  #own: Map<PropertyKey, unknown> | undefined

  constructor(host: LateHost) {
    const session = new LateSession(host, {
      below: () => this.#query as FunctionReference,
      onBound: (client) => this.#take(client),
    })
    this.#session = session
    this.#query = querying(session)
    this.#release = releasing(session)
  }

  get(target: PoolClient, property: PropertyKey, self: PoolClient): unknown {
    const own = this.#own?.get(property)
    if (own !== undefined) return own
    if (property === 'query') return this.#query
    if (property === 'release') return this.#release
    const { client } = this.#session
    return client === undefined
      ? this.#unbound(target, property, self)
      : ofClient(client, property, self)
  }

  set(_target: PoolClient, property: PropertyKey, value: unknown): boolean {
    const { client } = this.#session
    if (typeof value === 'function' || client === undefined) {
      this.#own ??= new Map()
      this.#own.set(property, value)
      if (typeof value === 'function') return true
    }
    if (client !== undefined) return Reflect.set(client, property, value, client)
    this.#later((bound) => {
      this.#own?.delete(property)
      Reflect.set(bound, property, value, bound)
    })
    return true
  }

  defineProperty(target: PoolClient, property: PropertyKey, how: PropertyDescriptor): boolean {
    if ('value' in how && how.configurable !== false) return this.set(target, property, how.value)
    const { client } = this.#session
    if (client === undefined) throw notKnownYet(property)
    return Reflect.defineProperty(client, property, how)
  }

  deleteProperty(_target: PoolClient, property: PropertyKey): boolean {
    if (this.#own?.delete(property) === true) return true
    const { client } = this.#session
    return client === undefined || Reflect.deleteProperty(client, property)
  }

  has(target: PoolClient, property: PropertyKey): boolean {
    if (property === 'release' || this.#own?.has(property) === true) return true
    return Reflect.has(this.#session.client ?? target, property)
  }

  ownKeys(target: PoolClient): (string | symbol)[] {
    return Reflect.ownKeys(this.#session.client ?? target)
  }

  getOwnPropertyDescriptor(
    target: PoolClient,
    property: PropertyKey,
  ): PropertyDescriptor | undefined {
    const found = Reflect.getOwnPropertyDescriptor(this.#session.client ?? target, property)
    // One that is not on the target of a Proxy has to be called configurable.
    return found && { ...found, configurable: true }
  }

  #unbound(target: PoolClient, property: PropertyKey, self: PoolClient): unknown {
    if (OF_THE_CONNECTION.has(property)) throw notKnownYet(property)
    const value = Reflect.get(target, property, target) as unknown
    if (typeof value !== 'function' || property === 'constructor' || isOfEveryObject(property))
      return value
    if (PURE.has(property)) return value
    if (property === 'getTransactionStatus') return () => 'I'
    if (ADDS.has(property) || OF_EVENTS.has(property)) return this.#ofEvents(property, self)
    if (DONE_LATER.has(property)) {
      return (...args: unknown[]) =>
        this.#later((client) => {
          // By the method of its handle, which undoes it at the end of the lease.
          ;(client as unknown as Record<PropertyKey, AnyFunction>)[property]?.(...args)
        })
    }
    if (property === 'connect') return (...args: unknown[]) => refuse(args, alreadyConnected())
    if (property === 'end') return (callback?: (error?: Error) => void) => this.#end(callback)
    return () => {
      throw notKnownYet(property)
    }
  }

  #ofEvents(method: PropertyKey, self: PoolClient): AnyFunction {
    if (this.#events === undefined && REMOVES.has(method)) return () => self
    this.#events ??= new EventEmitter()
    const events = this.#events
    return (...args) => {
      const result = Reflect.apply(Reflect.get(events, method) as AnyFunction, events, args)
      // An error of its connection needs one; anything else may come with a statement that would go through a lane.
      if (ADDS.has(method) && args[0] !== 'error') this.#session.bindSoon()
      return result === events ? self : result
    }
  }

  #later(action: (client: PoolClient) => void): void {
    this.#postponed ??= []
    this.#postponed.push(action)
    this.#session.bindSoon()
  }

  #take(client: PoolClient): void {
    const events = this.#events
    for (const event of events?.eventNames() ?? []) {
      for (const listener of events?.rawListeners(event) ?? []) {
        const { listener: once } = listener as { listener?: AnyFunction }
        if (once === undefined) client.on(event as 'end', listener as () => void)
        else client.once(event as 'end', once)
      }
    }
    for (const action of this.#postponed ?? []) action(client)
    this.#postponed = undefined
  }

  async #close(): Promise<void> {
    await (await this.#session.bound()).end()
  }

  #end(callback: ((error?: Error) => void) | undefined): Promise<void> | undefined {
    const ending = this.#close()
    if (callback === undefined) return ending
    ending.then(
      () => process.nextTick(callback),
      (error: Error) => process.nextTick(callback, error),
    )
    return undefined
  }
}

function ofClient(client: PoolClient, property: PropertyKey, self: PoolClient): unknown {
  const value = Reflect.get(client, property, client) as unknown
  if (typeof value !== 'function' || property === 'constructor') return value
  return (...args: unknown[]) => {
    const result = Reflect.apply(value as AnyFunction, client, args)
    return result === client ? self : result
  }
}

function isOfEveryObject(property: PropertyKey): boolean {
  return Object.hasOwn(Object.prototype, property)
}

function alreadyConnected(): Error {
  return new Error('Client has already been connected. You cannot reuse a client.')
}

function notKnownYet(property: PropertyKey): UnsupportedError {
  return new UnsupportedError(
    `client.${String(property)} is not known yet: with the option "shared" this client has a connection of its own from its first ` +
      'statement on that needs one; read it after that, such as BEGIN, or borrow the client with manager.acquire()',
  )
}
