import { type ConnmgrEvent, describeEvent, type Logger } from '@connmgr/core'

/** What {@link logEvents} needs of a manager. */
export interface EventSource {
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
    const { level, message } = describeEvent(event)
    logger[level](message, { event: event.type, ...event })
  })
}
