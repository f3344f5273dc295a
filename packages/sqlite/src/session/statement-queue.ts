import type { Clock } from '@connmgr/core/driver'
import { DatabaseBusyError } from '../errors.js'
import { LockWait } from '../locks/lock-wait.js'
import { fingerprint } from '../text/fingerprint.js'

/** One statement that waits for a lock, or for those before it. */
interface Task {
  readonly sql: string
  readonly attempt: () => unknown
  readonly timeoutMs: number
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

/** What a queue asks of its session. */
export interface QueueQuestions {
  /** Whether a statement that has failed may be attempted again. */
  mayWait(error: unknown, sql: string): boolean
  /** Who holds the lock, for people to read. */
  describeHolder(): string
}

/**
 * Runs the statements of one connection in the order in which they come: at once, as the libraries are synchronous,
 * unless another connection holds the lock that a statement needs. Then it is attempted again, with pauses in which the
 * event loop goes on, and those after it wait their turn.
 */
export class StatementQueue {
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #questions: QueueQuestions
  #tasks: Task[] = []
  #wait: LockWait | undefined
  #onEmpty: (() => void)[] = []

  constructor(clock: Clock, timeoutMs: number, questions: QueueQuestions) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#questions = questions
  }

  /** The statement that waits for a lock; undefined if there is none. */
  get first(): object | undefined {
    return this.#tasks[0]
  }

  /**
   * @param timeoutMs how long the lock is waited for
   * @throws DatabaseBusyError `SQLITE_BUSY` if the lock is not there within the time
   */
  run<T>(sql: string, attempt: () => T, timeoutMs = this.#timeoutMs): Promise<T> {
    if (this.#tasks.length === 0) {
      try {
        return Promise.resolve(attempt())
      } catch (error) {
        if (!this.#questions.mayWait(error, sql)) return Promise.reject(error)
      }
    }
    return new Promise<T>((resolve, reject) => {
      const task = { sql, attempt, timeoutMs, resolve, reject }
      this.#tasks.push(task)
      if (this.#tasks.length === 1) this.#waitForLock(task)
    })
  }

  /** Resolves once no statement waits. */
  empty(): Promise<void> {
    if (this.#tasks.length === 0) return Promise.resolve()
    return new Promise((resolve) => this.#onEmpty.push(resolve))
  }

  /** Gives up every statement that waits; none of them was run. */
  cancel(errorFor: () => Error): void {
    const tasks = this.#tasks
    this.#tasks = []
    this.#wait?.cancel()
    this.#wait = undefined
    for (const each of tasks) each.reject(errorFor())
    this.#tellEmpty()
  }

  #waitForLock({ timeoutMs }: Task): void {
    this.#wait = new LockWait(this.#clock, timeoutMs)
    this.#wait.pause(() => this.#proceed())
  }

  /** Attempts the first statement, and those after it for as long as none needs to wait. */
  #proceed(): void {
    let task = this.#tasks[0]
    while (task !== undefined) {
      if (!this.#attempt(task)) return
      task = this.#tasks[0]
    }
    this.#tellEmpty()
  }

  /** @returns false if the statement goes on to wait */
  #attempt(task: Task): boolean {
    try {
      const value = task.attempt()
      this.#leave(task, () => task.resolve(value as never))
      return true
    } catch (error) {
      if (!this.#questions.mayWait(error, task.sql)) {
        this.#leave(task, () => task.reject(error))
        return true
      }
      const wait = this.#wait
      if (wait?.over === true) {
        const busy = this.#busyError(task.sql, wait.waitedMs, error)
        this.#leave(task, () => task.reject(busy))
        return true
      }
      if (wait === undefined) this.#waitForLock(task)
      else wait.pause(() => this.#proceed())
      return false
    }
  }

  /** @param settle called when the statement is out of the queue */
  #leave(task: Task, settle: () => void): void {
    this.#wait = undefined
    // An attempt that finds the connection lost has emptied the queue.
    if (this.#tasks[0] === task) this.#tasks.shift()
    settle()
  }

  #busyError(sql: string, waitedMs: number, cause: unknown): DatabaseBusyError {
    const shape = fingerprint(sql)
    const what = shape.length > 60 ? `${shape.slice(0, 60)}…` : shape
    return new DatabaseBusyError(what, waitedMs, this.#questions.describeHolder(), cause)
  }

  #tellEmpty(): void {
    for (const resolve of this.#onEmpty.splice(0)) resolve()
  }
}
