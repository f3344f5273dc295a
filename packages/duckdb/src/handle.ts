import type { LeaseFence } from '@connmgr/core/driver'
import type {
  DuckDBAppender,
  DuckDBConnection,
  DuckDBExtractedStatements,
  DuckDBPreparedStatement,
} from '@duckdb/node-api'
import { endsWithLease, fencePending, fenceStream, replaceMethod } from './lent-results.js'
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
/** They return what has the statement run. */
const STARTS: ReadonlySet<PropertyKey> = new Set(['start', 'startStream'])
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
  readonly #appenders = new Set<DuckDBAppender>()

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
      return this.#follow(property, result, sql)
    }
    return method
  }

  /** What a borrower gets ends with the lease, and what it runs is followed. */
  #follow(property: PropertyKey, result: unknown, sql: string | undefined): unknown {
    const fence = this.#fence
    const by = { session: this.#session, fence }
    if (property === 'prepare') return followPrepared(result as DuckDBPreparedStatement, sql, by)
    if (property === 'extractStatements')
      return followExtracted(result as DuckDBExtractedStatements, sql, by)
    if (fence === undefined || !GOES_ON.has(property)) return result
    if (property === 'createAppender') return this.#endWithLease(result as DuckDBAppender, fence)
    return STARTS.has(property)
      ? fencePending(result as object, fence)
      : fenceStream(result as object, fence)
  }

  /** DuckDB writes what an appender holds when that is garbage, also if its transaction was rolled back. */
  #endWithLease(appender: DuckDBAppender, fence: LeaseFence): DuckDBAppender {
    replaceMethod(appender, 'closeSync', (own) => () => {
      this.#appenders.delete(appender)
      own.call(appender)
    })
    endsWithLease(appender, fence, {
      atOnce: ['appendDataChunk', 'endRow', 'flushSync', 'closeSync'],
    })
    if (this.#appenders.size === 0)
      fence.onRelease(() => {
        for (const each of this.#appenders) each.clear()
        this.#appenders.clear()
      })
    this.#appenders.add(appender)
    return appender
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
