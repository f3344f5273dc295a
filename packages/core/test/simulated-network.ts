import type { FakeDriver, FakeOutcome } from '@connmgr/testing'

/** A network between a process and its servers. Times are in milliseconds. */
export interface NetworkConditions {
  readonly roundTripMs: number
  /** At the most, in each direction. */
  readonly jitterMs: number
  /** Share of the segments that are held up, 0 to 1. */
  readonly stalled: number
  readonly stallMs: number
  /** Round trips of a login: 4 without TLS, 6 with. */
  readonly loginRoundTrips: number
}

export const LAN: NetworkConditions = {
  roundTripMs: 1,
  jitterMs: 0,
  stalled: 0,
  stallMs: 0,
  loginRoundTrips: 4,
}

/** Has every call of a fake driver take as long as it would over a network. The same seed gives the same times. */
export class SimulatedNetwork {
  conditions: NetworkConditions
  #state: number

  constructor(conditions: NetworkConditions, seed: number) {
    this.conditions = conditions
    this.#state = seed | 1
  }

  /** From now on the driver's servers are beyond this network. */
  carry(driver: FakeDriver): void {
    for (const method of ['validate', 'query', 'probe', 'begin', 'commit', 'rollback'] as const)
      driver.always(method, () => ({ afterMs: this.#roundTripMs() }))
    for (const method of ['connect', 'openProbe'] as const)
      driver.always(method, () => this.#login())
  }

  #login(): FakeOutcome {
    const receivedAtMs: number[] = []
    let afterMs = 0
    for (let trip = 1; trip <= this.conditions.loginRoundTrips; trip += 1) {
      afterMs += this.#roundTripMs()
      // The first is the handshake of TCP, of which nothing reaches the application.
      if (trip > 1) receivedAtMs.push(afterMs)
    }
    return { afterMs, receivedAtMs }
  }

  #roundTripMs(): number {
    return this.conditions.roundTripMs + this.#segmentMs() + this.#segmentMs()
  }

  /** What one segment takes beyond half a round trip. */
  #segmentMs(): number {
    const { jitterMs, stallMs, stalled } = this.conditions
    return jitterMs * this.#random() + (this.#random() < stalled ? stallMs : 0)
  }

  #random(): number {
    // xorshift32
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return (this.#state >>> 0) / 2 ** 32
  }
}
