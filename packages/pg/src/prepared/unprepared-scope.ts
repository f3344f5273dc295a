import { AsyncLocalStorage } from 'node:async_hooks'

let storage: AsyncLocalStorage<true> | undefined

/** Runs work whose statements are not prepared by themselves. */
export function unprepared<T>(work: () => PromiseLike<T> | T): Promise<T> {
  storage ??= new AsyncLocalStorage()
  return storage.run(
    true,
    () =>
      new Promise<T>((resolve, reject) => {
        const result = work()
        // What Drizzle returns begins only with this call, which has to be in here.
        if (isThenable(result)) result.then(resolve, reject)
        else resolve(result)
      }),
  )
}

/** Whether the caller's statements are not to be prepared. Costs nothing before the first {@link unprepared}. */
export function isUnprepared(): boolean {
  return storage?.getStore() === true
}

function isThenable<T>(result: PromiseLike<T> | T): result is PromiseLike<T> {
  return typeof (result as Partial<PromiseLike<T>> | null | undefined)?.then === 'function'
}
