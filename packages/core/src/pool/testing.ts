import { toError } from '../errors.js'
import { summarize } from '../events/event-parts.js'
import type { ConnectPace } from './connect-pace.js'
import type { Connections } from './connections.js'
import type { PoolContext } from './context.js'
import type { PoolEntry } from './entry.js'
import type { NextSteps } from './next-steps.js'
import { type Pings, PingUnansweredError } from './pings.js'
import type { RoleTrust } from './role-trust.js'

export interface TestingParts<C extends object> {
  readonly connections: Connections<C>
  readonly pace: ConnectPace<C>
  readonly pings: Pings<C>
  readonly trust: RoleTrust
}

/** Has connections show that their server still answers, and closes those that do not. */
export class Testing<C extends object> {
  readonly #context: PoolContext<C>
  readonly #parts: TestingParts<C>
  readonly #next: Pick<NextSteps<C>, 'admit' | 'slotChanged'>

  constructor(
    context: PoolContext<C>,
    parts: TestingParts<C>,
    next: Pick<NextSteps<C>, 'admit' | 'slotChanged'>,
  ) {
    this.#context = context
    this.#parts = parts
    this.#next = next
  }

  /**
   * Admits the connection once the server has answered.
   *
   * @param question what to ask; `@default` the driver's `validate`
   * @param after runs once the connection has been admitted or closed
   */
  test(
    entry: PoolEntry<C>,
    question?: (connection: C) => Promise<void>,
    after: () => void = () => {},
  ): void {
    const { clock, events, stall } = this.#context.runtime
    const { connections, pings } = this.#parts
    const startedAt = clock.now()
    const { stops } = stall
    connections.test(entry)
    pings.send(entry, question).then(
      () =>
        events.turn(() => {
          pings.forget(entry)
          entry.suspect = this.#context.runtime.stall.hasStoppedSince(stops)
          this.#next.admit(entry)
          after()
        }),
      (thrown: unknown) =>
        events.turn(() => {
          pings.forget(entry)
          this.#failed(entry, startedAt, toError(thrown))
          after()
        }),
    )
  }

  #failed(entry: PoolEntry<C>, startedAt: number, error: Error): void {
    const { endpoint } = this.#context
    const { clock, events, name } = this.#context.runtime
    const { connections, pace, trust } = this.#parts
    events.emit({
      type: 'validationFailed',
      pool: name,
      endpoint: endpoint.id,
      connectionId: entry.id,
      durationMs: clock.now() - startedAt,
      error: summarize(error),
    })
    connections.close(entry, 'invalid', error)
    if (trust.distrustful && entry.uses === 0) pace.backOff(error)
    // What broke this connection has probably broken the others. Testing them one by one would take longer than
    // callers can wait.
    if (error instanceof PingUnansweredError) {
      for (const other of connections.idle)
        if (other.idleSince <= startedAt) connections.close(other, 'invalid', error)
    }
    connections.suspectAll()
    this.#next.slotChanged()
  }
}
