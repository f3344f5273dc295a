import { setTimeout as pause } from 'node:timers/promises'
import { Errand, type Workplace } from './errand.js'
import { OPERATIONS } from './operations.js'
import type { Random } from './random.js'
import type { Tally } from './tally.js'

/** Twice the connections that there can be, so that callers queue; often fewer, as leaks hold some. */
const CALLERS = 16
const LONGEST_PAUSE_MS = 60

/** Callers that do one random thing after the other. */
export class Load {
  readonly #workplace: Workplace
  readonly #tally: Tally
  readonly #callers: readonly Promise<void>[]
  #stopping = false

  constructor(workplace: Workplace, tally: Tally, random: Random) {
    this.#workplace = workplace
    this.#tally = tally
    this.#callers = Array.from({ length: CALLERS }, () => this.#call(random.fork()))
  }

  /** Resolves when every caller has ended what it was doing. */
  async stop(): Promise<void> {
    this.#stopping = true
    await Promise.all(this.#callers)
  }

  async #call(random: Random): Promise<void> {
    while (!this.#stopping) {
      const operation = random.weigh(OPERATIONS)
      const errand = new Errand(operation.name, random, this.#workplace)
      const failure = await operation.run(errand).then(
        () => undefined,
        (error: unknown) => ({ error }),
      )
      this.#tally.ended(operation, errand, failure)
      await pause(random.between(0, LONGEST_PAUSE_MS))
    }
  }
}
