import type { LeaseFence } from '@connmgr/core/driver'

type Method = (...args: unknown[]) => unknown

/**
 * What a borrower has got from a connection ends with the lease. DuckDB itself would go on: it runs what was prepared, writes
 * the rows that an appender holds, and ends a stream early as if there were no more rows.
 */
export function endsWithLease(
  given: object,
  fence: LeaseFence,
  names: { readonly later?: readonly string[]; readonly atOnce?: readonly string[] },
  sql?: string,
): void {
  for (const name of names.later ?? [])
    replaceMethod(given, name, (own) => (...args) => {
      return fence.active ? own.apply(given, args) : Promise.reject(fence.refuse(sql))
    })
  for (const name of names.atOnce ?? [])
    replaceMethod(given, name, (own) => (...args) => {
      if (!fence.active) throw fence.refuse(sql)
      return own.apply(given, args)
    })
}

/** The rows of a stream, or of what reads one. */
export function fenceStream<T extends object>(given: T, fence: LeaseFence): T {
  const { result } = given as { result?: object }
  const source = 'fetchChunk' in given || result === undefined ? given : result
  endsWithLease(source, fence, { later: ['fetchChunk'] })
  return given
}

/** A statement that is run by what its start has returned. */
export function fencePending<T extends object>(pending: T, fence: LeaseFence): T {
  // All others that answer later call this one.
  replaceMethod(pending, 'getResult', (own) => async () => {
    if (!fence.active) throw fence.refuse()
    return fenceStream((await own.call(pending)) as object, fence)
  })
  endsWithLease(pending, fence, { later: ['runAllTasks'], atOnce: ['runTask'] })
  return pending
}

/** Gives an object of DuckDB's a method in place of the one of its class. */
export function replaceMethod(
  given: object,
  name: PropertyKey,
  make: (own: Method) => Method,
): void {
  const own = Reflect.get(given, name) as unknown
  if (typeof own !== 'function') return
  Object.defineProperty(given, name, {
    value: make(own as Method),
    configurable: true,
    writable: true,
  })
}
