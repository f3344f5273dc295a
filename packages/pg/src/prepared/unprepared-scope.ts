import { AsyncLocalStorage } from 'node:async_hooks'

let storage: AsyncLocalStorage<true> | undefined

/** Runs work whose statements are not prepared by themselves. */
export function unprepared<T>(work: () => T): T {
  storage ??= new AsyncLocalStorage()
  return storage.run(true, work)
}

/** Whether the caller's statements are not to be prepared. Costs nothing before the first {@link unprepared}. */
export function isUnprepared(): boolean {
  return storage?.getStore() === true
}
