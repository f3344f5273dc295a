import { AsyncResource } from 'node:async_hooks'

/**
 * Where Node keeps the stores of the flow in which a resource was made: on the resource itself under a symbol for each
 * `AsyncLocalStorage` (Node 20 and 22), or all in one under a symbol (Node 24).
 */
const STORES: ReadonlySet<string | undefined> = new Set(['kResourceStore', 'context_frame'])

/** Belongs to no flow, also if this module was loaded in the midst of a request. */
const nowhere = new AsyncResource('connmgr', { requireManualDestroy: true })
for (const key of Object.getOwnPropertySymbols(nowhere)) {
  if (STORES.has(key.description)) Object.assign(nowhere, { [key]: undefined })
}

/**
 * Runs `work` outside of every asynchronous flow: what it starts, such as timers and sockets, sees no
 * `AsyncLocalStorage` of whichever request came first, and keeps none alive.
 */
export function outside<T>(work: () => T): T {
  return nowhere.runInAsyncScope(work)
}
