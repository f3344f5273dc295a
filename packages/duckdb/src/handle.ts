import type { LeaseFence } from '@connmgr/core/driver'
import type {
  DuckDBConnection,
  DuckDBExtractedStatements,
  DuckDBPreparedStatement,
} from '@duckdb/node-api'
import { followExtracted, followPrepared } from './prepared-handle.js'
import { RUNS } from './running-methods.js'
import type { Session } from './session.js'

/** Methods that answer by a promise. */
const ASYNCHRONOUS: ReadonlySet<PropertyKey> = new Set([
  ...RUNS,
  'start',
  'startThenRead',
  'startThenReadAll',
  'startThenReadUntil',
  'startStream',
  'startStreamThenRead',
  'startStreamThenReadAll',
  'startStreamThenReadUntil',
  'prepare',
  'extractStatements',
  'createAppender',
])
/** Those of them whose results live on: rows that are still to be read, or something that is run later. */
const GOES_ON: ReadonlySet<PropertyKey> = new Set([
  'stream',
  'streamAndRead',
  'streamAndReadUntil',
  'start',
  'startStream',
  'startStreamThenRead',
  'startStreamThenReadUntil',
  'prepare',
  'extractStatements',
  'createAppender',
])
/** What they are given is run later, by what they return. */
const LATER: ReadonlySet<PropertyKey> = new Set(['prepare', 'extractStatements'])
const CLOSES: ReadonlySet<PropertyKey> = new Set(['closeSync', 'disconnectSync'])

const sessions = new WeakMap<object, Session>()

/**
 * A `DuckDBConnection` of a session. A Proxy, because the session may take another connection to the same database under
 * it, and because all methods of DuckDB's are to be followed, also those to come.
 *
 * @param fence of the lease that hands it out; without it, the engine's own
 */
export function handleOf(session: Session, fence?: LeaseFence): DuckDBConnection {
  const handle = new Proxy({} as DuckDBConnection, new Handle(session, fence))
  sessions.set(handle, session)
  return handle
}

/** The session behind a handle. */
export function sessionOf(handle: DuckDBConnection): Session {
  const session = sessions.get(handle)
  if (session === undefined) throw new TypeError('this connection was not opened by connmgr')
  return session
}

class Handle implements ProxyHandler<DuckDBConnection> {
  readonly #session: Session
  readonly #fence: LeaseFence | undefined
  readonly #methods = new Map<PropertyKey, unknown>()

  constructor(session: Session, fence: LeaseFence | undefined) {
    this.#session = session
    this.#fence = fence
  }

  get(_target: DuckDBConnection, property: PropertyKey): unknown {
    // Promises look for it.
    if (property === 'then') return undefined
    const known = this.#methods.get(property)
    if (known !== undefined) return known
    if (CLOSES.has(property)) return this.#keep(property, () => this.#session.end())
    if (ASYNCHRONOUS.has(property)) return this.#keep(property, this.#asynchronous(property))
    const connection = this.#require()
    const value = Reflect.get(connection, property, connection) as unknown
    if (typeof value !== 'function') return value
    return this.#keep(property, (...args: unknown[]) => {
      if (property !== 'interrupt') this.#session.noteAltered()
      return Reflect.apply(value, this.#require(), args) as unknown
    })
  }

  #asynchronous(property: PropertyKey): (...args: unknown[]) => Promise<unknown> {
    const method = async (...args: unknown[]): Promise<unknown> => {
      const sql = typeof args[0] === 'string' && property !== 'createAppender' ? args[0] : undefined
      const fence = this.#fence
      if (fence !== undefined) {
        if (!fence.active) throw fence.refuse(sql)
        fence.noteUse(method)
      }
      if (GOES_ON.has(property)) this.#session.noteAltered()
      const call = (): Promise<unknown> => {
        const { connection } = this.#session
        const own = Reflect.get(connection, property) as (...given: unknown[]) => Promise<unknown>
        return Reflect.apply(own, connection, args)
      }
      const result = await this.#session.call(sql, call, !LATER.has(property))
      if (property === 'prepare')
        return followPrepared(result as DuckDBPreparedStatement, sql, this.#session)
      if (property === 'extractStatements')
        return followExtracted(result as DuckDBExtractedStatements, sql, this.#session)
      return result
    }
    return method
  }

  #keep<T>(property: PropertyKey, method: T): T {
    this.#methods.set(property, method)
    return method
  }

  #require(): DuckDBConnection {
    if (this.#fence !== undefined && !this.#fence.active) throw this.#fence.refuse()
    return this.#session.connection
  }
}
