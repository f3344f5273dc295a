import { outside } from '../flow/outside.js'
import type { EventEmitter } from './emitter.js'
import type { ConnmgrEvent, ConnmgrEventType } from './events.js'
import { LOGGED_EVENT_TYPES, type Logger, logEvent, loggedBy } from './log.js'

const LOGGED: ReadonlySet<string> = new Set(LOGGED_EVENT_TYPES)

/** Writes the events of a manager to its logger. */
export class EventLog {
  readonly #events: EventEmitter
  readonly #logger: Logger
  readonly #oneDatabase: boolean
  readonly #types = new Set<ConnmgrEventType>()

  /** @param oneDatabase whether nothing is said of endpoints */
  constructor(events: EventEmitter, logger: Logger, oneDatabase: boolean) {
    this.#events = events
    this.#logger = logger
    this.#oneDatabase = oneDatabase
    for (const type of loggedBy(logger)) this.#log(type)
  }

  /** Emits an event of the driver's package, and logs all of its type. */
  report(event: ConnmgrEvent): void {
    if (!LOGGED.has(event.type)) this.#log(event.type)
    this.#events.emit(event)
  }

  #log(type: ConnmgrEventType): void {
    if (this.#types.has(type)) return
    this.#types.add(type)
    this.#events.on(type, (event) =>
      outside(() => logEvent(this.#logger, event, this.#oneDatabase)),
    )
  }
}
