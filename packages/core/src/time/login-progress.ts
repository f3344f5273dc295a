import { settleWith } from './bounded.js'
import { Deadline, type Deadlines } from './deadlines.js'

/** What a server has sent to one that logs in: if something, it is slow, and not gone. */
export class LoginProgress {
  #received: (() => number) | undefined
  #seen = 0
  #seenAfterMs = 0

  /** For {@link ConnectContext.watch}. */
  readonly watch = (received: () => number): void => {
    this.#received = received
  }

  /**
   * Whether the login can be expected to go on: a server that took so long for what it has sent so far may take as long
   * again for the next.
   *
   * @param elapsedMs time since the login was begun
   */
  goesOn(elapsedMs: number): boolean {
    const received = this.#received?.() ?? 0
    if (received !== this.#seen) {
      this.#seen = received
      this.#seenAfterMs = elapsedMs
    }
    return elapsedMs < 2 * this.#seenAfterMs
  }
}

/** Times in milliseconds. */
export interface LoginLimits {
  /** Without any progress for so long it is given up. */
  readonly quietMs: number
  /** With progress it is given up after this. */
  readonly longestMs: number
}

class QuietDeadline extends Deadline {
  constructor(readonly onExpired: () => void) {
    super()
  }
}

/**
 * `work`, but rejected with `onTimeout(waitedMs)` once it has made no progress for too long, or has taken too long in
 * all. `onTimeout` also does what must be done to the thing that hangs.
 */
export function whileProgressing<T>(
  deadlines: Deadlines,
  { quietMs, longestMs }: LoginLimits,
  progress: LoginProgress,
  work: Promise<T>,
  onTimeout: (waitedMs: number) => Error,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let waitedMs = 0
    let stepMs = quietMs
    const deadline = new QuietDeadline(() => {
      waitedMs += stepMs
      if (waitedMs < longestMs && progress.goesOn(waitedMs)) {
        stepMs = Math.min(quietMs, longestMs - waitedMs)
        deadlines.add(deadline, stepMs)
      } else reject(onTimeout(waitedMs))
    })
    deadlines.add(deadline, stepMs)
    settleWith(work, deadline, resolve, reject)
  })
}
