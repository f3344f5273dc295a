import type { Clock } from '@connmgr/core/driver'
import type { Fingerprint } from '../fingerprint/fingerprints.js'
import type { NPlusOneVerdict } from '../snapshot.js'
import { LooseRuns } from './loose-runs.js'
import { currentRequest, type Request } from './requests.js'
import { Unit, type UnitContext } from './unit.js'
import { Verdicts } from './verdicts.js'

/** What counts the repeats of a statement: its unit of work, or what there is without one. */
export type Counter = Unit | LooseRuns

/** Finds reads that one unit of work repeats in one place. */
export class NPlusOneDetector {
  readonly #context: UnitContext
  readonly #verdicts = new Verdicts()
  readonly #loose: LooseRuns
  #units = new WeakMap<Request, Unit>()

  constructor(threshold: number, clock: Clock) {
    this.#context = {
      threshold,
      verdicts: this.#verdicts,
      thorough: false,
      wallTime: () => clock.wallTime(),
    }
    this.#loose = new LooseRuns(this.#context)
  }

  /** The counter of a statement that begins now; undefined if its repetition says nothing. */
  counter({ repeatable }: Fingerprint, transaction: Unit | undefined): Counter | undefined {
    const request = currentRequest()
    if (request !== undefined) return repeatable ? this.#unit(request) : undefined
    if (transaction !== undefined) return repeatable ? transaction : undefined
    return this.#loose
  }

  /** For the statements of a transaction that belongs to no request. */
  transaction(): Unit {
    return new Unit(this.#context, 'transaction')
  }

  list(): NPlusOneVerdict[] {
    this.#loose.settle()
    return this.#verdicts.list()
  }

  clear(): void {
    this.#verdicts.clear()
    this.#units = new WeakMap()
  }

  #unit(request: Request): Unit {
    let unit = this.#units.get(request)
    if (unit === undefined) {
      unit = new Unit(this.#context, 'request')
      this.#units.set(request, unit)
    }
    return unit
  }
}
