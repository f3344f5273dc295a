import { describe } from './describe.js'
import type { ConnmgrEvent, ConnmgrEventType } from './events.js'
import { describeOneDatabase } from './one-database.js'

/** Where connmgr logs. A winston logger is one; so is `console`. */
export interface Logger {
  debug(message: string, meta?: object): unknown
  info(message: string, meta?: object): unknown
  warn(message: string, meta?: object): unknown
  error(message: string, meta?: object): unknown
}

export type LogLevel = keyof Logger

const nothing = (): void => {}

export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
}

/** Without a logger of the user's: what needs attention goes to the console, nothing else. */
export const consoleLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: (message) => console.warn(message),
  error: (message) => console.error(message),
}

const ALWAYS_DEBUG = [
  'connectionCreated',
  'connectionClosed',
  'acquireFailed',
  'healthCheckCompleted',
  'workReplayed',
] as const satisfies readonly ConnmgrEventType[]

/** What a manager logs by itself: everything but the two events of every single acquire, which would slow it down. */
export const LOGGED_EVENT_TYPES = [
  ...ALWAYS_DEBUG,
  'connectionFailed',
  'startDelayed',
  'managerDuplicated',
  'validationFailed',
  'queryTimedOut',
  'connectionDirty',
  'leakDetected',
  'leakResolved',
  'leaseMisused',
  'poolCleared',
  'poolResized',
  'poolClosed',
  'healthRecovered',
  'loginsFailed',
  'loginsRecovered',
  'endpointStateChanged',
  'rightsMissing',
  'rightsGranted',
  'roleChanged',
  'standbyFellBehind',
  'standbyCaughtUp',
  'clusterStateChanged',
  'failoverStarted',
  'failoverCompleted',
  'switchoverCompleted',
  'failbackCompleted',
  'failoverFailed',
  'topologyChanged',
  'topologyFailed',
  'operatorActed',
  'listenerFailed',
] as const satisfies readonly ConnmgrEventType[]

/** The events that a logger does anything with: no sentence is built for a method that does nothing. */
export function loggedBy(logger: Logger): readonly ConnmgrEventType[] {
  if (logger === silentLogger) return []
  return logger.debug === nothing
    ? LOGGED_EVENT_TYPES.filter((type) => !(ALWAYS_DEBUG as readonly string[]).includes(type))
    : LOGGED_EVENT_TYPES
}

/**
 * How an event is logged: its level, and a sentence for people.
 *
 * @param oneDatabase whether its manager has one server, so that nothing is said of endpoints, clusters and failover;
 * `@default` false
 */
export function describeEvent(
  event: ConnmgrEvent,
  oneDatabase = false,
): {
  readonly level: LogLevel
  readonly message: string
} {
  const [level, text] = (oneDatabase ? describeOneDatabase(event) : undefined) ?? describe(event)
  return { level, message: `connmgr "${event.pool}": ${text}` }
}

/** Logs an event with its fields as `meta`; returns what the logger does, for those who mind that it may fail. */
export function logEvent(logger: Logger, event: ConnmgrEvent, oneDatabase = false): unknown {
  const { level, message } = describeEvent(event, oneDatabase)
  return logger[level](message, { event: event.type, ...event })
}
