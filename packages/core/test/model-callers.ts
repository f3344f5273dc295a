import type { Lease, PoolMetrics } from '@connmgr/core'
import type { FakeConnection } from '@connmgr/testing'
import type { Violations } from './violations.js'

/** What a caller of `acquire` has been through, as a model sees it. */
export interface Caller {
  readonly number: number
  readonly controller: AbortController
  state: 'waiting' | 'holding' | 'failed' | 'done'
  lease?: Lease<FakeConnection>
  connection?: FakeConnection
}

/** All callers of a history, and what must hold of them whatever is below. */
export class Callers<K extends Caller = Caller> {
  readonly #violations: Violations
  readonly #all: K[] = []
  #served = 0
  #failed = 0

  constructor(violations: Violations) {
    this.#violations = violations
  }

  /** The number of the latest. */
  get latest(): number {
    return this.#all.length
  }

  get waiting(): K[] {
    return this.#all.filter((each) => each.state === 'waiting')
  }

  get holding(): K[] {
    return this.#all.filter((each) => each.state === 'holding')
  }

  get done(): K[] {
    return this.#all.filter((each) => each.state === 'done')
  }

  /** Those who hold a connection that has not been lost. */
  get serving(): K[] {
    return this.holding.filter((each) => each.connection?.open === true)
  }

  add(caller: K): void {
    this.#all.push(caller)
  }

  /** @param before whether a caller who came earlier had to be served first */
  serve(caller: K, lease: Lease<FakeConnection>, before: (earlier: K) => boolean): void {
    const { connection } = lease
    const { number } = caller
    if (caller.state !== 'waiting') this.#violations.add(`caller ${number} was served after all`)
    const earlier = this.waiting.find((each) => each.number < number && before(each))
    if (earlier !== undefined)
      this.#violations.add(`caller ${number} was served before caller ${earlier.number}`)
    if (this.holding.some((each) => each.connection === connection))
      this.#violations.add(`connection ${connection.id} was lent twice`)
    if (connection.open && connection.condition !== 'clean')
      this.#violations.add(`connection ${connection.id} was lent ${connection.condition}`)
    caller.state = 'holding'
    caller.lease = lease
    caller.connection = connection
    this.#served += 1
  }

  fail(caller: K): void {
    this.#failed += 1
    if (caller.state !== 'waiting') this.#violations.add(`caller ${caller.number} failed after all`)
    caller.state = 'failed'
  }

  /** Compares the counts of a manager with them. */
  check(metrics: PoolMetrics, closing: boolean): void {
    const held = this.serving
    // A drain that ran out of time takes connections from their holders, and closes them meanwhile.
    if (!closing || metrics.checkedOut > held.length)
      this.#violations.equal('checkedOut', metrics.checkedOut, held.length)
    this.#violations.equal('waiting', metrics.waiting, this.waiting.length)
    this.#violations.equal('totalCheckouts', metrics.totalCheckouts, this.#served)
    this.#violations.equal('failedCheckouts', metrics.failedCheckouts, this.#failed)
    const owned = new Set(held.map((each) => each.connection))
    this.#violations.equal('owners', owned.size, held.length)
  }
}
