import type { Endpoint } from '@connmgr/core'
import type { FakeConnection } from './fake-connection.js'
import type { FakeOutcome } from './outcome.js'

/** The calls whose outcome can be scripted. `query` is a statement of a borrower, `probe` one question of a probe. */
export type FakeMethod =
  | 'connect'
  | 'validate'
  | 'ask'
  | 'settle'
  | 'reset'
  | 'begin'
  | 'commit'
  | 'rollback'
  | 'close'
  | 'query'
  | 'openProbe'
  | 'probe'
  | 'writePlace'
  | 'readPlace'

/** One call that the driver has seen. */
export interface FakeCall {
  readonly method: FakeMethod | 'destroy' | 'destroyProbe'
  readonly endpoint: Endpoint
  /** Undefined for calls that have no connection, or none yet. */
  readonly connection: FakeConnection | undefined
  /** The reset policy, the transaction's options, the statement, or the reason for which a connection is destroyed. */
  readonly detail: unknown
  /** The clock's time. */
  readonly at: number
}

/** A fixed outcome, or a function that decides by the call. */
export type FakeBehaviour = FakeOutcome | ((call: FakeCall) => FakeOutcome)

/** What a test wants of the calls to come. */
export class Script {
  readonly #next = new Map<FakeMethod, FakeBehaviour[]>()
  readonly #always = new Map<FakeMethod, FakeBehaviour>()

  next(method: FakeMethod, behaviours: readonly FakeBehaviour[]): void {
    const queue = this.#next.get(method) ?? []
    queue.push(...behaviours)
    this.#next.set(method, queue)
  }

  always(method: FakeMethod, behaviour: FakeBehaviour): void {
    this.#always.set(method, behaviour)
  }

  /** Takes the outcome of this call off the script. */
  outcomeOf(method: FakeMethod, call: FakeCall): FakeOutcome {
    const behaviour = this.#next.get(method)?.shift() ?? this.#always.get(method) ?? 'succeed'
    return typeof behaviour === 'function' ? behaviour(call) : behaviour
  }
}
