import { EventEmitter } from 'node:events'
import type { FunctionReference } from '@connmgr/core/driver'
import type { FieldPacket, PoolConnection } from 'mysql2'
import type { ManagedPool } from '../pool/managed-pool.js'
import { columnOf, type MariadbColumn } from './column.js'

/** A statement with its options, as the mariadb connector takes them. */
export interface MariadbQuery {
  readonly sql: string
  readonly values?: unknown
  readonly rowsAsArray?: boolean
  readonly dateStrings?: boolean
  readonly jsonStrings?: boolean
  readonly namedPlaceholders?: boolean
  readonly nestTables?: boolean | string
  readonly typeCast?: unknown
  readonly timeout?: number
}

/** Rows with the description of their columns beside them, or what a statement without rows has done. */
export type MariadbResult = (unknown[] & { readonly meta: readonly MariadbColumn[] }) | MariadbOk

/** What a statement without rows has done. */
export interface MariadbOk {
  readonly affectedRows: number
  readonly insertId: bigint
  readonly warningStatus: number
}

/** A connection as the mariadb connector has it by promises, for as long as it is borrowed. */
export interface MariadbConnection {
  query(sql: MariadbQuery | string, values?: unknown): Promise<MariadbResult>
  execute(sql: MariadbQuery | string, values?: unknown): Promise<MariadbResult>
  beginTransaction(): Promise<void>
  commit(): Promise<void>
  rollback(): Promise<void>
  ping(): Promise<void>
  on(event: string, listener: (...args: unknown[]) => void): this
  off(event: string, listener: (...args: unknown[]) => void): this
  /** Gives it back. */
  release(): Promise<void>
  end(): Promise<void>
  destroy(): void
}

type Send = (on: 'execute' | 'query', options: object, values: unknown, answer: Answer) => void
type Answer = (error: unknown, rows?: unknown, fields?: unknown) => void

/**
 * A pool with the face of the mariadb connector's, by promises, over the connections of a {@link ManagedPool}: for Prisma's
 * `PrismaMariaDb`, which takes no other. It closes with the pool, or the manager, behind it.
 *
 * @example
 * const adapter = new PrismaMariaDb(new MariadbPool(manager.pool))
 */
export class MariadbPool extends EventEmitter {
  readonly #pool: ManagedPool

  constructor(pool: ManagedPool) {
    super()
    this.setMaxListeners(0)
    this.#pool = pool
  }

  async getConnection(): Promise<MariadbConnection> {
    return new BorrowedConnection(
      await this.#pool.borrow(MariadbPool.prototype.getConnection as FunctionReference),
    )
  }

  query(sql: MariadbQuery | string, values?: unknown): Promise<MariadbResult> {
    return run(
      this.#sendFor(MariadbPool.prototype.query as FunctionReference),
      'query',
      sql,
      values,
    )
  }

  execute(sql: MariadbQuery | string, values?: unknown): Promise<MariadbResult> {
    return run(
      this.#sendFor(MariadbPool.prototype.execute as FunctionReference),
      'execute',
      sql,
      values,
    )
  }

  /** Open connections. */
  totalConnections(): number {
    return this.#pool.$connections.getCounts().total
  }

  activeConnections(): number {
    return this.#pool.$connections.getCounts().inUse
  }

  idleConnections(): number {
    return this.#pool.$connections.getCounts().idle
  }

  /** Callers that wait. */
  taskQueueSize(): number {
    return this.#pool.$connections.getCounts().waiting
  }

  end(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pool.end((error) => (error ? reject(error) : resolve()))
    })
  }

  #sendFor(below: FunctionReference): Send {
    return (on, options, values, answer) => this.#pool.send(on, options, values, below, answer)
  }
}

class BorrowedConnection implements MariadbConnection {
  readonly #connection: PoolConnection
  readonly #send: Send

  constructor(connection: PoolConnection) {
    this.#connection = connection
    this.#send = (on, options, values, answer) =>
      (connection[on] as (...args: unknown[]) => void)(options, values, answer)
  }

  query(sql: MariadbQuery | string, values?: unknown): Promise<MariadbResult> {
    return run(this.#send, 'query', sql, values)
  }

  execute(sql: MariadbQuery | string, values?: unknown): Promise<MariadbResult> {
    return run(this.#send, 'execute', sql, values)
  }

  async beginTransaction(): Promise<void> {
    await this.query('START TRANSACTION')
  }

  async commit(): Promise<void> {
    await this.query('COMMIT')
  }

  async rollback(): Promise<void> {
    await this.query('ROLLBACK')
  }

  ping(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#connection.ping((error) => (error ? reject(error) : resolve()))
    })
  }

  on(event: string, listener: (...args: unknown[]) => void): this {
    this.#connection.on(event, listener)
    return this
  }

  off(event: string, listener: (...args: unknown[]) => void): this {
    this.#connection.off(event, listener)
    return this
  }

  async release(): Promise<void> {
    this.#connection.release()
  }

  async end(): Promise<void> {
    this.#connection.release()
  }

  destroy(): void {
    this.#connection.destroy()
  }
}

/** Numbers that JavaScript cannot hold come as text, where the connector has a bigint. */
const LARGE_NUMBERS = { supportBigNumbers: true, bigNumberStrings: true }

function run(
  send: Send,
  on: 'execute' | 'query',
  given: MariadbQuery | string,
  values: unknown,
): Promise<MariadbResult> {
  const { values: own, ...options } = typeof given === 'string' ? { sql: given } : given
  return new Promise((resolve, reject) => {
    const answer: Answer = (error, rows, fields) => {
      if (error) reject(error)
      else resolve(resultOf(rows, fields))
    }
    try {
      send(on, { ...LARGE_NUMBERS, ...options, typeCast: castFor(options) }, values ?? own, answer)
    } catch (error) {
      reject(error)
    }
  })
}

/** What mysql2 gives to a function that converts values. */
interface CastField {
  readonly type: string
  readonly extendedFormat?: string
  string(encoding?: string): string | null
}
type Cast = (field: CastField, next: () => unknown) => unknown

/** Has JSON come as text where that is asked for: mysql2 has an option for it, but of whole connections alone. */
function castFor({
  jsonStrings,
  typeCast,
}: Pick<MariadbQuery, 'jsonStrings' | 'typeCast'>): unknown {
  if (jsonStrings !== true) return typeCast
  const convert: Cast =
    typeof typeCast === 'function' ? (typeCast as Cast) : (_field, next) => next()
  const cast: Cast = (field, next) =>
    field.type === 'JSON' || field.extendedFormat === 'json'
      ? field.string('utf8')
      : convert(field, next)
  return cast
}

function resultOf(rows: unknown, fields: unknown): MariadbResult {
  if (!Array.isArray(rows)) {
    const {
      affectedRows = 0,
      insertId = 0,
      warningStatus = 0,
    } = (rows ?? {}) as {
      affectedRows?: number | string
      insertId?: number | string
      warningStatus?: number
    }
    return { affectedRows: Number(affectedRows), insertId: BigInt(insertId), warningStatus }
  }
  const meta = Array.isArray(fields) ? (fields as FieldPacket[]).map(columnOf) : []
  // As the connector has it: out of sight of those who list the rows.
  return Object.defineProperty(rows, 'meta', { value: meta, enumerable: false }) as unknown[] & {
    readonly meta: readonly MariadbColumn[]
  }
}
