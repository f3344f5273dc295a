import { type FailureClass, failureClassOf } from '../../demo/src/failure-class.js'
import type { Ledger } from '../../demo/src/ledger.js'
import { now } from './now.js'
import { type Operation, type OperationKind, OperationLog } from './operation-log.js'

/** What the load does to the database. */
export interface Work {
  /** Names the rows that it writes. */
  readonly orm: string
  write(id: string): Promise<unknown>
  read(): Promise<unknown>
  /** What a failure says about a write. @default as node-postgres and its ORMs fail */
  failureOf?(error: unknown): FailureClass
}

export interface LoadOptions {
  /** @default 50 */
  readonly writesPerSecond?: number
  /** @default 20 */
  readonly readsPerSecond?: number
  /** Of each kind; what would be more is not begun. @default 10 */
  readonly mostInFlight?: number
}

/** Writers and readers that go on at their pace whatever happens, as callers of a real service do. */
export class Load extends OperationLog {
  readonly #work: Work
  readonly #ledger: Ledger
  readonly #mostInFlight: number
  readonly #timers: readonly NodeJS.Timeout[]
  readonly #inFlight = new Map<Operation, Promise<void>>()
  readonly #turns: { readonly kind: OperationKind; readonly at: number }[] = []

  constructor(work: Work, ledger: Ledger, options: LoadOptions = {}) {
    super()
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

  inFlight(kind: OperationKind): Operation[] {
    return [...this.#inFlight.keys()].filter((each) => each.kind === kind)
  }

  /** How often it was time to begin one, whether or not too many were under way: as often as this process has run. */
  turns(kind: OperationKind, from: number, to: number): number {
    return this.#turns.filter((each) => each.kind === kind && each.at >= from && each.at <= to)
      .length
  }

  #begin(kind: OperationKind): void {
    this.#turns.push({ kind, at: now() })
    if (this.inFlight(kind).length >= this.#mostInFlight) return
    const operation: Operation = {
      kind,
      id: kind === 'write' ? this.#ledger.newId(this.#work.orm) : undefined,
      startedAt: now(),
      endedAt: undefined,
      failure: undefined,
      message: undefined,
    }
    const running = this.#run(operation)
      .catch((error: unknown) => {
        operation.failure = this.#failureOf(error)
        operation.message = error instanceof Error ? error.message : String(error)
      })
      .then(() => {
        operation.endedAt = now()
        this.#inFlight.delete(operation)
        this.add(operation)
      })
    this.#inFlight.set(operation, running)
  }

  async #run({ id }: Operation): Promise<void> {
    if (id === undefined) {
      await this.#work.read()
      return
    }
    try {
      await this.#work.write(id)
    } catch (error) {
      this.#ledger.rejectedAs(id, this.#failureOf(error))
      throw error
    }
    this.#ledger.acknowledged(id)
  }

  #failureOf(error: unknown): FailureClass {
    return this.#work.failureOf?.(error) ?? failureClassOf(error)
  }
}

function every(perSecond: number, act: () => void): NodeJS.Timeout[] {
  return perSecond === 0 ? [] : [setInterval(act, 1000 / perSecond)]
}
