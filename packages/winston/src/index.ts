export { redact, redactText } from '@connmgr/core'
export { connmgrFormat } from './format.js'
export { type EventSource, logEvents } from './log-events.js'
export { createLogger, type LoggerSettings } from './logger.js'
