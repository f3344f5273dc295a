import type {
  ConnectionManager,
  ConnmgrEvent,
  ConnmgrEventType,
  EndpointState,
  EventOf,
} from '@connmgr/core'
import { now } from './now.js'

/** An event and when it was recorded. */
export interface Recorded<E extends ConnmgrEvent = ConnmgrEvent> {
  readonly at: number
  readonly event: E
}

/** Everything that a manager reports, with the time on the clock that all processes share. */
export class Recorder {
  readonly events: Recorded[] = []
  readonly #onEvent: (recorded: Recorded) => void

  /** @param manager without one, events come by `add` alone */
  constructor(
    manager?: Pick<ConnectionManager<object>, 'onAny'>,
    onEvent: (recorded: Recorded) => void = () => {},
  ) {
    this.#onEvent = onEvent
    manager?.onAny((event) => {
      // Of every single acquire, only to count them would be of use, and the metrics do that.
      if (event.type === 'connectionAcquired' || event.type === 'connectionReleased') return
      this.add({ at: now(), event })
    })
  }

  add(recorded: Recorded): void {
    this.events.push(recorded)
    this.#onEvent(recorded)
  }

  /** The events of one type, from a moment on. */
  of<T extends ConnmgrEventType>(type: T, from = 0): Recorded<EventOf<T>>[] {
    return this.events.filter(
      (each): each is Recorded<EventOf<T>> => each.event.type === type && each.at >= from,
    )
  }

  /** When an endpoint first came into one of these states, from a moment on. */
  reached(endpoint: string, states: readonly EndpointState[], from = 0): number | undefined {
    return this.of('endpointStateChanged', from).find(
      ({ event }) => event.endpoint === endpoint && states.includes(event.to),
    )?.at
  }

  /** The states that an endpoint came into, in order, from a moment on. */
  statesOf(endpoint: string, from = 0): EndpointState[] {
    return this.of('endpointStateChanged', from)
      .filter(({ event }) => event.endpoint === endpoint)
      .map(({ event }) => event.to)
  }

  /** Times that the writer became another one, for whatever reason, from a moment on. */
  moves(from = 0): number {
    return (['failoverCompleted', 'switchoverCompleted', 'failbackCompleted'] as const)
      .map((type) => this.of(type, from).length)
      .reduce((sum, each) => sum + each, 0)
  }
}
