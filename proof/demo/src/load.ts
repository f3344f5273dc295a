import { type FailureClass, failureClassOf } from './failure-class.js'
import type { Ledger } from './ledger.js'
import type { Workload } from './workloads/workload.js'

const WRITES_PER_SECOND = 50
const READS_PER_SECOND = 15
const MOST_IN_FLIGHT = 20

/** One acknowledged write, on the clock of `performance.now()`. */
export interface Acknowledgement {
  readonly orm: string
  readonly at: number
}

/** Writers and readers that go on at their pace whatever happens, as callers of a real service do. */
export class Load {
  readonly #workloads: readonly Workload[]
  readonly #ledger: Ledger
  readonly #failureOf: (error: unknown) => FailureClass
  readonly #timers: NodeJS.Timeout[] = []
  readonly #inFlight = new Set<Promise<void>>()
  readonly acknowledgements: Acknowledgement[] = []
  #reads = 0
  #readErrors = 0

  constructor(
    workloads: readonly Workload[],
    ledger: Ledger,
    failureOf: (error: unknown) => FailureClass = failureClassOf,
  ) {
    this.#workloads = workloads
    this.#failureOf = failureOf
    this.#ledger = ledger
  }

  get reads(): { readonly done: number; readonly failed: number } {
    return { done: this.#reads, failed: this.#readErrors }
  }

  start(): void {
    this.#everyOther(WRITES_PER_SECOND, (workload) => this.#write(workload))
    this.#everyOther(READS_PER_SECOND, (workload) => this.#read(workload))
  }

  /** Stops, and waits for what is under way. */
  async stop(): Promise<void> {
    this.halt()
    await Promise.all(this.#inFlight)
  }

  /** Begins nothing more. */
  halt(): void {
    for (const timer of this.#timers) clearInterval(timer)
  }

  /** The first write that this ORM had acknowledged after a moment. */
  firstAfter(orm: string, at: number): number | undefined {
    return this.acknowledgements.find((each) => each.orm === orm && each.at > at)?.at
  }

  #everyOther(perSecond: number, act: (workload: Workload) => Promise<void>): void {
    let turn = 0
    const timer = setInterval(() => {
      const workload = this.#workloads[turn % this.#workloads.length] as Workload
      turn += 1
      if (this.#inFlight.size >= MOST_IN_FLIGHT) return
      const acting = act(workload).finally(() => this.#inFlight.delete(acting))
      this.#inFlight.add(acting)
    }, 1000 / perSecond)
    this.#timers.push(timer)
  }

  async #write(workload: Workload): Promise<void> {
    const id = this.#ledger.newId(workload.orm)
    try {
      await workload.write(id)
      this.#ledger.acknowledged(id)
      this.acknowledgements.push({ orm: workload.orm, at: performance.now() })
    } catch (error) {
      this.#ledger.rejectedAs(id, this.#failureOf(error))
    }
  }

  async #read(workload: Workload): Promise<void> {
    try {
      await workload.read()
      this.#reads += 1
    } catch {
      // Reads may fail while there is no server; they are counted, and shown in the end.
      this.#readErrors += 1
    }
  }
}
