import { type FailureClass, failureClassOf } from '../../demo/src/failure-class.js'
import type { Ledger } from '../../demo/src/ledger.js'
import { now } from './now.js'

/** What the load does to the database. */
export interface Work {
  /** Names the rows that it writes. */
  readonly orm: string
  write(id: string): Promise<unknown>
  read(): Promise<unknown>
}

export interface LoadOptions {
  /** @default 50 */
  readonly writesPerSecond?: number
  /** @default 20 */
  readonly readsPerSecond?: number
  /** Of each kind; what would be more is not begun. @default 10 */
  readonly mostInFlight?: number
}

/** One call of a caller, from its beginning on. */
export interface Operation {
  readonly kind: 'write' | 'read'
  readonly startedAt: number
  endedAt: number | undefined
  failure: FailureClass | undefined
  error: unknown
}

/** Writers and readers that go on at their pace whatever happens, as callers of a real service do. */
export class Load {
  readonly #work: Work
  readonly #ledger: Ledger
  readonly #mostInFlight: number
  readonly #timers: readonly NodeJS.Timeout[]
  readonly #inFlight = new Map<Operation, Promise<void>>()
  readonly operations: Operation[] = []

  constructor(work: Work, ledger: Ledger, options: LoadOptions = {}) {
    const { writesPerSecond = 50, readsPerSecond = 20, mostInFlight = 10 } = options
    this.#work = work
    this.#ledger = ledger
    this.#mostInFlight = mostInFlight
    this.#timers = [
      ...every(writesPerSecond, () => this.#begin('write')),
      ...every(readsPerSecond, () => this.#begin('read')),
    ]
  }

  /** Begins nothing new. */
  pause(): void {
    for (const timer of this.#timers) clearInterval(timer)
  }

  /** Begins nothing new, and waits for what is under way. */
  async stop(): Promise<void> {
    this.pause()
    await Promise.all(this.#inFlight.values())
  }

  inFlight(kind: Operation['kind']): Operation[] {
    return [...this.#inFlight.keys()].filter((each) => each.kind === kind)
  }

  succeeded(kind: Operation['kind'], from = 0, to = Number.POSITIVE_INFINITY): Operation[] {
    return this.operations.filter(
      (each) => each.kind === kind && each.failure === undefined && endedWithin(each, from, to),
    )
  }

  failed(kind: Operation['kind'], from = 0, to = Number.POSITIVE_INFINITY): Operation[] {
    return this.operations.filter(
      (each) => each.kind === kind && each.failure !== undefined && endedWithin(each, from, to),
    )
  }

  /** When the first success of a kind came, from a moment on. */
  firstSuccess(kind: Operation['kind'], from: number): number | undefined {
    return this.succeeded(kind, from)[0]?.endedAt
  }

  /** The longest time between two successful writes, one after the other. */
  get longestGapMs(): number {
    let longest = 0
    let last: number | undefined
    for (const { endedAt } of this.succeeded('write')) {
      if (endedAt !== undefined && last !== undefined) longest = Math.max(longest, endedAt - last)
      last = endedAt
    }
    return longest
  }

  #begin(kind: Operation['kind']): void {
    if (this.inFlight(kind).length >= this.#mostInFlight) return
    const operation: Operation = {
      kind,
      startedAt: now(),
      endedAt: undefined,
      failure: undefined,
      error: undefined,
    }
    const running = (kind === 'write' ? this.#write() : this.#work.read())
      .then(
        () => {},
        (error: unknown) => {
          operation.error = error
          operation.failure = failureClassOf(error)
        },
      )
      .finally(() => {
        operation.endedAt = now()
        this.#inFlight.delete(operation)
        // In the order in which they ended.
        this.operations.push(operation)
      })
    this.#inFlight.set(operation, running)
  }

  async #write(): Promise<void> {
    const id = this.#ledger.newId(this.#work.orm)
    try {
      await this.#work.write(id)
    } catch (error) {
      this.#ledger.rejected(id, error)
      throw error
    }
    this.#ledger.acknowledged(id)
  }
}

function every(perSecond: number, act: () => void): NodeJS.Timeout[] {
  return perSecond === 0 ? [] : [setInterval(act, 1000 / perSecond)]
}

function endedWithin({ endedAt }: Operation, from: number, to: number): boolean {
  return endedAt !== undefined && endedAt >= from && endedAt <= to
}
