import type { ConnmgrEvent, ConnmgrEventType } from '../events/events.js'

/** The events that tell the story of a failover. */
export const FAILOVER_EVENT_TYPES = [
  'endpointStateChanged',
  'roleChanged',
  'clusterStateChanged',
  'failoverStarted',
  'failoverCompleted',
  'switchoverCompleted',
  'failbackCompleted',
  'failoverFailed',
] as const satisfies readonly ConnmgrEventType[]

export type FailoverEvent = Extract<ConnmgrEvent, { type: (typeof FAILOVER_EVENT_TYPES)[number] }>

/** A failover event and when it happened. */
export interface RecordedFailoverEvent {
  readonly at: Date
  readonly event: FailoverEvent
}

/** Counts failovers and keeps the latest events. */
export class FailoverRecord {
  readonly #capacity: number
  readonly #events: RecordedFailoverEvent[] = []
  failovers = 0
  switchovers = 0
  failbacks = 0
  failures = 0

  constructor(capacity = 100) {
    this.#capacity = capacity
  }

  add(event: FailoverEvent, at: Date): void {
    this.#events.push({ at, event })
    if (this.#events.length > this.#capacity) this.#events.shift()
    if (event.type === 'failoverCompleted') this.failovers += 1
    else if (event.type === 'switchoverCompleted') this.switchovers += 1
    else if (event.type === 'failbackCompleted') this.failbacks += 1
    else if (event.type === 'failoverFailed') this.failures += 1
  }

  /** Oldest first. */
  get events(): readonly RecordedFailoverEvent[] {
    return [...this.#events]
  }

  get last(): RecordedFailoverEvent | undefined {
    return this.#events.at(-1)
  }
}
