import type { Connection, Pool, PoolConnection, QueryOptions } from 'mysql2'

type Row = Record<string, unknown>

/** By promises, on what has the callback form: a pool or a connection. */
export function ask(
  on: Pick<Connection | Pool, 'query'>,
  sql: string | QueryOptions,
  values?: unknown[],
): Promise<Row[]> {
  return new Promise((resolve, reject) => {
    ;(on.query as (...args: unknown[]) => void)(sql, values, (error: unknown, rows: unknown) =>
      error ? reject(error) : resolve(rows as Row[]),
    )
  })
}

export function borrow(pool: Pick<Pool, 'getConnection'>): Promise<PoolConnection> {
  return new Promise((resolve, reject) => {
    pool.getConnection((error, connection) => (error ? reject(error) : resolve(connection)))
  })
}

export function end(pool: Pick<Pool, 'end'>): Promise<void> {
  return new Promise((resolve, reject) => {
    pool.end((error) => (error ? reject(error) : resolve()))
  })
}
