import { inspect } from 'node:util'
import pg, { type PoolClient } from 'pg'

const CLIENT = Symbol('client of TypeORM')
const HAS_ERROR_LISTENERS = Symbol('whether its user may have added listeners for errors')

/** By these its user adds listeners; TypeORM itself does so by `on`. */
const ADDS: ReadonlySet<PropertyKey> = new Set([
  'addListener',
  'once',
  'prependListener',
  'prependOnceListener',
])
/** Properties that each client has of its own. */
let ownProperties: ReadonlySet<PropertyKey> | undefined

/**
 * A client, for TypeORM. That takes a query runner for released once its client has had an 'error', and from then on says
 * no more than `QueryRunnerAlreadyReleasedError`. Without the news it goes on with the client, whose errors say what has
 * happened. The manager listens to the client itself, and replaces it.
 *
 * TypeORM takes a client for every query: what it calls each time are methods, which V8 looks up as on any object. All else is
 * found behind them, by a Proxy in the place of the class that they extend.
 */
class PatientClient {
  static {
    // Has the assignment in the constructor, and each promise that asks for `then`, not reach for the Proxy.
    for (const property of [CLIENT, HAS_ERROR_LISTENERS, 'then'])
      Object.defineProperty(PatientClient.prototype, property, { value: undefined, writable: true })
  }

  declare readonly [CLIENT]: PoolClient
  declare [HAS_ERROR_LISTENERS]: boolean

  constructor(client: PoolClient) {
    this[CLIENT] = client
    this[HAS_ERROR_LISTENERS] = false
    ownProperties ??= new Set(Reflect.ownKeys(client))
  }

  [inspect.custom](): PoolClient {
    return this[CLIENT]
  }

  query(...args: unknown[]): unknown {
    return Reflect.apply(this[CLIENT].query, this[CLIENT], args)
  }

  on(event: string, listener: (...args: unknown[]) => void): this {
    if (event !== 'error') this[CLIENT].on(event as 'end', listener)
    return this
  }

  removeListener(event: string, listener: (...args: unknown[]) => void): this {
    if (event !== 'error' || this[HAS_ERROR_LISTENERS]) this[CLIENT].removeListener(event, listener)
    return this
  }
}

/** What a client has that is none of the methods above. */
const rest: ProxyHandler<object> = {
  get(prototype, property, self: PatientClient): unknown {
    const client = self[CLIENT] as PoolClient | undefined
    if (client === undefined) return Reflect.get(prototype, property, self)
    if (ADDS.has(property)) self[HAS_ERROR_LISTENERS] = true
    const value: unknown = Reflect.get(client, property, client)
    return typeof value === 'function' && property !== 'constructor' ? value.bind(client) : value
  },

  set: (_prototype, property, value, self: PatientClient) =>
    Reflect.set(self[CLIENT], property, value, self[CLIENT]),

  has: (prototype, property) =>
    Reflect.has(prototype, property) || ownProperties?.has(property) === true,
}

Object.setPrototypeOf(
  PatientClient.prototype,
  new Proxy(Object.create(pg.Client.prototype) as object, rest),
)
// It is that of the client.
delete (PatientClient.prototype as { constructor?: unknown }).constructor

export function patientClient(client: PoolClient): PoolClient {
  return new PatientClient(client) as unknown as PoolClient
}
