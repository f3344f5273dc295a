import { outside } from '../flow/outside.js'
import type { EventEmitter } from './emitter.js'
import { summarize } from './event-parts.js'

/** Whose observers they are. */
export interface ObservedManager {
  readonly name: string
  readonly events: EventEmitter
}

/** Emits that an observer has thrown, as `listenerFailed`. @param what it was called for, such as `queries threw in started` */
export function observerFailed(
  { events, name }: ObservedManager,
  what: string,
  error: unknown,
): void {
  const reason = `an observer of ${what}`
  outside(() =>
    events.emit({ type: 'listenerFailed', pool: name, reason, error: summarize(error) }),
  )
}
