export { connmgrFormat } from './format.js'
export { type EventSource, logEvents } from './log-events.js'
export { createLogger, type LoggerSettings } from './logger.js'
export { redact, redactText } from './redact.js'
