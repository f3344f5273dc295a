import { Deadline, type Deadlines } from './deadlines.js'

class Timeout extends Deadline {
  constructor(readonly onExpired: () => void) {
    super()
  }
}

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
    const deadline = new Timeout(() => reject(onTimeout()))
    deadlines.add(deadline, timeoutMs)
    settleWith(work, deadline, resolve, reject)
  })
}

/** Hands on what `work` comes to, which ends its deadline. */
export function settleWith<T>(
  work: Promise<T>,
  deadline: Deadline,
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
): void {
  work.then(
    (value) => {
      deadline.cancel()
      resolve(value)
    },
    (error: unknown) => {
      deadline.cancel()
      reject(error)
    },
  )
}

/** Calls `work` and gives what it throws synchronously as a rejection, so that a driver or hook has one way to fail. */
export function attempt<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return Promise.resolve(work())
  } catch (error) {
    return Promise.reject(error)
  }
}
