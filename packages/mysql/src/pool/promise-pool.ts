import { type FunctionReference, isError } from '@connmgr/core/driver'
import promises, { type Pool, type PoolConnection } from 'mysql2/promise'
import type { ManagedPool } from './managed-pool.js'

/** Untyped by mysql2, though it exports them. */
const { PromisePool, PromisePoolConnection } = promises as unknown as {
  PromisePool: new (
    pool: unknown,
    chosen: PromiseConstructor,
  ) => Omit<Pool, 'execute' | 'getConnection' | 'query'>
  PromisePoolConnection: new (connection: unknown, chosen: PromiseConstructor) => PoolConnection
}

const NO_CALLBACK = 'Callback function is not available with promise clients.'

/** mysql2's promise form of a pool, without the way through callbacks. */
export class ManagedPromisePool extends PromisePool {
  readonly #pool: ManagedPool
  readonly #Promise: PromiseConstructor

  constructor(pool: ManagedPool, chosen: PromiseConstructor) {
    super(pool, chosen)
    this.#pool = pool
    this.#Promise = chosen
  }

  getConnection(): Promise<PoolConnection> {
    const below = ManagedPromisePool.prototype.getConnection as FunctionReference
    return this.#adopt(
      this.#pool
        .borrow(below)
        .then((connection) => new PromisePoolConnection(connection, this.#Promise)),
    )
  }

  query(sql: unknown, values?: unknown): Promise<unknown[]> {
    return this.#ask('query', sql, values, ManagedPromisePool.prototype.query as FunctionReference)
  }

  execute(sql: unknown, values?: unknown): Promise<unknown[]> {
    return this.#ask(
      'execute',
      sql,
      values,
      ManagedPromisePool.prototype.execute as FunctionReference,
    )
  }

  #ask(
    kind: 'execute' | 'query',
    sql: unknown,
    values: unknown,
    below: FunctionReference,
  ): Promise<unknown[]> {
    if (typeof values === 'function') throw new Error(NO_CALLBACK)
    return this.#adopt(
      new Promise((resolve) => {
        this.#pool.send(kind, sql, values, below, (error, rows, fields) =>
          resolve(error ? leadingHere(error) : [rows, fields]),
        )
      }),
    )
  }

  /** `result` as a promise of the class that was chosen. */
  #adopt<T>(result: Promise<T>): Promise<T> {
    const Chosen = this.#Promise
    return Chosen === Promise
      ? result
      : new Chosen((resolve, reject) => result.then(resolve, reject))
  }
}

/**
 * Rejects with `error`, its stack leading from the caller of the query, not from the socket. That is known only to a
 * reaction that the caller awaits: a promise that resolves to this one does so after two turns.
 */
async function leadingHere(error: unknown): Promise<never> {
  await undefined
  await undefined
  if (isError(error)) Error.captureStackTrace(error)
  throw error
}
