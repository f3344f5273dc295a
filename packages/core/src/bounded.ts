import type { Deadlines, Expiring } from './deadlines.js'

/**
 * `work`, but rejected with `onTimeout()` once `timeoutMs` has passed. `onTimeout` also does what must be done to
 * the thing that hangs, since `work` itself cannot be stopped; its late outcome is ignored.
 */
export function bounded<T>(
  deadlines: Deadlines,
  timeoutMs: number,
  work: Promise<T>,
  onTimeout: () => Error,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer: Expiring = { deadline: 0, stalledBefore: 0, onDeadline: () => reject(onTimeout()) }
    deadlines.add(timer, timeoutMs)
    work.then(
      (value) => {
        deadlines.remove(timer)
        resolve(value)
      },
      (error: unknown) => {
        deadlines.remove(timer)
        reject(error)
      },
    )
  })
}

/** Calls `work` and gives what it throws synchronously as a rejection, so that a driver or hook has one way to fail. */
export function attempt<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return Promise.resolve(work())
  } catch (error) {
    return Promise.reject(error)
  }
}
