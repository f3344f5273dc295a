import type { ConnmgrEvent, Logger, LogLevel } from '@connmgr/core'
import { describeEvent } from '@connmgr/core/driver'

/** What {@link logEvents} needs of a manager. */
export interface EventSource {
  /** Whether it has one server, of which the lines speak as the database then. */
  readonly oneDatabase?: boolean
  onAny(listener: (event: ConnmgrEvent) => void): () => void
}

/**
 * Logs every event of a manager, also the two of each single acquire, which a manager does not log by itself because
 * they would slow it down. For a manager with `logger: false`; otherwise most events are logged twice.
 *
 * @returns the function that stops it
 */
export function logEvents(manager: EventSource, logger: Logger): () => void {
  return manager.onAny((event) => {
    const { level, message } = describeEvent(event, manager.oneDatabase)
    logger[levelOf(event, level)](message, { event: event.type, ...event })
  })
}

/** A manager logs a failed acquire for debugging only, as the caller gets the error. Who logs all events wants to see it. */
function levelOf(event: ConnmgrEvent, usual: LogLevel): LogLevel {
  return event.type === 'acquireFailed' && event.reason !== 'aborted' ? 'warn' : usual
}
