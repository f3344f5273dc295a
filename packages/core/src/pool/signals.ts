import type { ConnectionSignal } from '../driver/contract.js'
import { isFatal } from '../driver/failure-kind.js'
import type { ConnectPace } from './connect-pace.js'
import type { Connections } from './connections.js'
import type { PoolContext } from './context.js'
import type { PoolEntry } from './entry.js'
import type { NextSteps } from './next-steps.js'
import type { RoleTrust } from './role-trust.js'

/** Acts on trouble that the driver reports of a connection unasked: a socket that closes, a write that is refused. */
export class Signals<C extends object> {
  readonly #context: PoolContext<C>
  readonly #connections: Connections<C>
  readonly #pace: ConnectPace<C>
  readonly #trust: RoleTrust
  readonly #next: Pick<NextSteps<C>, 'slotChanged'>

  constructor(
    context: PoolContext<C>,
    connections: Connections<C>,
    pace: ConnectPace<C>,
    trust: RoleTrust,
    next: Pick<NextSteps<C>, 'slotChanged'>,
  ) {
    this.#context = context
    this.#connections = connections
    this.#pace = pace
    this.#trust = trust
    this.#next = next
  }

  received(entry: PoolEntry<C>, signal: ConnectionSignal): void {
    // A driver may signal while it closes the connection: that is no turn of its own.
    if (entry.state === 'closed') return
    const { endpoint, observer } = this.#context
    const { events } = this.#context.runtime
    events.turn(() => {
      if (entry.state !== 'detached' && isFatal(signal.kind)) this.#inTrouble(entry, signal)
      observer.signalled(endpoint, signal)
    })
  }

  #inTrouble(entry: PoolEntry<C>, { error, kind }: ConnectionSignal): void {
    if (kind !== 'read-only') this.#pace.lost()
    if (kind === 'lost') {
      this.#connections.close(entry, 'lost', error)
      this.#next.slotChanged()
    } else this.#connections.invalidate(entry, 'lost', error)
    if (kind === 'read-only') this.#trust.writeRefused()
    // One connection in trouble voids the bypass window of all the others.
    this.#connections.suspectAll()
  }
}
