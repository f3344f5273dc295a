import type { Clock, Endpoint } from '@connmgr/core'
import type { FakeConnection } from './fake-connection.js'
import type { FakeOutcome } from './outcome.js'
import type { FakeCall, FakeMethod, Script } from './script.js'

/** Every call that a driver has seen, in order. */
export class CallLog {
  readonly calls: FakeCall[] = []
  readonly #clock: Clock
  readonly #script: Script

  constructor(clock: Clock, script: Script) {
    this.#clock = clock
    this.#script = script
  }

  of(method: FakeCall['method']): FakeCall[] {
    return this.calls.filter((call) => call.method === method)
  }

  /** Notes a call, and returns what the script has for it. */
  record(
    method: FakeMethod,
    endpoint: Endpoint,
    connection: FakeConnection | undefined,
    detail?: unknown,
  ): FakeOutcome {
    const call = this.note(method, endpoint, connection, detail)
    return this.#script.outcomeOf(method, call)
  }

  note(
    method: FakeCall['method'],
    endpoint: Endpoint,
    connection: FakeConnection | undefined,
    detail?: unknown,
  ): FakeCall {
    const call = { method, endpoint, connection, detail, at: this.#clock.now() }
    this.calls.push(call)
    return call
  }
}
