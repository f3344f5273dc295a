import { calledFrom, notedOrigin } from '@connmgr/core/driver'
import type { SqlAdapter, SqlQueryable } from './bindings/driver-adapter.js'
import type { Watching } from './named-callers.js'

/**
 * Has the statements and transactions of an adapter count for where they were written, rather than for where their result is
 * awaited, which is where their own stack leads.
 */
export function nameStatements(adapter: SqlAdapter, watching: Watching): void {
  nameQueries(adapter, watching)
  const start = adapter.startTransaction.bind(adapter)
  adapter.startTransaction = async (...args) => {
    const transaction = await fromOrigin(watching, () => start(...args))
    nameQueries(transaction, watching)
    return transaction
  }
}

function nameQueries(queryable: SqlQueryable, watching: Watching): void {
  const queryRaw = queryable.queryRaw.bind(queryable)
  const executeRaw = queryable.executeRaw.bind(queryable)
  queryable.queryRaw = (query) => fromOrigin(watching, () => queryRaw(query))
  queryable.executeRaw = (query) => fromOrigin(watching, () => executeRaw(query))
}

function fromOrigin<T>(watching: Watching, call: () => T): T {
  const origin = watching() ? notedOrigin() : undefined
  return origin?.stack === undefined ? call() : calledFrom(origin.stack, call, true)
}
